#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Each folder of src is a level; a file includes its own level or lower ones,
# and the public headers. A binding includes its own folder and the public
# headers, as its users' programs would.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Project;
use Test::More;

my @levels = qw(os segment peer store sync top fleet engine redis etcd);
my %rank = map { $levels[$_] => $_ } 0 .. $#levels;
my @breaches;
my $includes = 0;

for my $file (files_of('src', qr/\.(c|h|def)$/)) {
	my ($level) = $file =~ m{^src/(\w+)/};
	if ($level eq 'bindings') {
		push @breaches, map { "$file includes $_" }
			grep { m{/} } content($file) =~ /^\s*#\s*include\s+"([^"]*)"/mg;
		next;
	}
	if (!defined $level || !exists $rank{$level}) {
		push @breaches, "$file: in none of the levels @levels";
		next;
	}
	my $line = 0;
	for (split /\n/, content($file)) {
		$line++;
		next unless /^\s*#\s*include\s+"([^"]*)"/;
		$includes++;
		my ($target) = $1 =~ m{^(\w+)/};
		if (!defined $target || !exists $rank{$target}) {
			push @breaches, "$file:$line: \"$1\" names no level";
		} elsif ($rank{$target} > $rank{$level}) {
			push @breaches, "$file:$line: $level includes $1";
		}
	}
}

cmp_ok($includes, '>', 0, 'there are includes to look at');
none('nothing is included upward', @breaches);
done_testing();
