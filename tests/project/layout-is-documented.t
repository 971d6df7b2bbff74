#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# docs/layout.md gives each field the place and size that the compiler gives
# it, and leaves out none.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Project;
use File::Temp 'tempdir';
use Test::More;

my (%documented, @lines, $struct);
for (split /\n/, content('docs/layout.md')) {
	if (/^#/) {
		($struct, my $size) = /`struct (shm_\w+)`, (\d+) bytes/;
		push @lines, "A(sizeof(struct $struct) == $size);" if $struct;
	}
	next unless $struct && /^\|\s*(\d+)\s*\|\s*`(\w+)`\s*\|\s*(\d+)\s*\|/;
	push @lines, "A(offsetof(struct $struct, $2) == $1 && "
		. "sizeof(((struct $struct *)0)->$2) == $3);";
	$documented{$struct}{$2} = 1;
}
cmp_ok(scalar @lines, '>', 50, 'there are fields to look at');

my $dir = tempdir(CLEANUP => 1);
open my $out, '>', "$dir/layout.c" or die "$dir: $!\n";
print $out "#include \"segment/layout.h\"\n#define A(x) static_assert(x, #x)\n",
	map { "$_\n" } @lines;
close $out;
my $source = source();
my $said = qx(gcc -D_GNU_SOURCE -fsyntax-only -I$source/src $dir/layout.c 2>&1);
is($?, 0, 'the compiler agrees') or diag($said);

# The mutex stands in mutex_bytes, its size depends on the libc.
my $header = content('src/segment/layout.h');
$header =~ s{/\*.*?\*/}{}gs;
my @missing;
while ($header =~ /^struct (shm_\w+) \{\n(.*?)^\};/gms) {
	my ($name, $body) = ($1, $2);
	next unless $documented{$name};
	while ($body =~ /^\t+(?:struct )?\w+ ([^;{}]+);/gm) {
		for my $field (map { /(\w+)/ } split /,/, $1) {
			push @missing, "$name.$field"
				unless $documented{$name}{$field}
				|| $field =~ /^(pad\d*|reserved|mutex)$/;
		}
	}
}
none('every field is described', @missing);
done_testing();
