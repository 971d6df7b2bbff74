#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The shared library's symbols, the public headers' functions and the version
# script's names are the same.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Project;
use Test::More;

my $library = build() . '/src/libsfshm.so';
my @symbols = split /\n/, qx(nm -D --defined-only --format=posix $library);
is($?, 0, "nm reads $library");

# The version's own node shows as an absolute symbol.
my @exported = sort map { /^(\S+?)(?:@+\S+)? [^A]/ ? $1 : () } @symbols;
# An engine's function is in a library of its own.
my @declared = grep { !/^sfshm_fleet_(?:redis|etcd)$/ } declared_functions();
cmp_ok(scalar @declared, '>', 0, 'the headers declare functions');
my %exported = map { $_ => 1 } @exported;
my %declared = map { $_ => 1 } @declared;
none('every exported name begins with sfshm_',
	grep { !/^sfshm_/ } @exported);
none('every exported name is declared', grep { !$declared{$_} } @exported);
none('every declared name is exported', grep { !$exported{$_} } @declared);

# Which version each name came with; a pattern would let names in unseen.
my $script = content('src/sfshm.map');
my (%version, @twice);
$script =~ s{/\*.*?\*/}{}gs;
while ($script =~ /^(SFSHM_[\d.]+) \{\s*global:(.*?)(?:local:.*?)?^\}/msg) {
	my ($node, $names) = ($1, $2);
	for (split /[;\s]+/, $names) {
		next unless length;
		push @twice, $_ if $version{$_};
		$version{$_} = $node;
	}
}
none('no name has two versions', @twice);
none('the version script names nothing else',
	grep { !$declared{$_} } sort keys %version);
none('the version script names each function',
	grep { !$version{$_} } @declared);
my %bound = map { /^(\w+)@@?(\S+) [^A]/ ? ($1 => $2) : () } @symbols;
none('each symbol has the version of the script',
	grep { ($bound{$_} // '') ne ($version{$_} // '') } @exported);
done_testing();
