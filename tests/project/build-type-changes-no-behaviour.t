#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A caller gets the same from a release and from a debug build of the library
# and the tools: no source asks which of them it is in.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Project;
use Test::More;

my @files = map { files_of($_, qr/\.(c|h|hpp|def)$/) } qw(include src tools);
my @found;

for my $file (@files) {
	my $line = 0;
	for (split /\n/, content($file)) {
		$line++;
		push @found, "$file:$line: $_"
			if /\b(NDEBUG|DEBUG|_DEBUG|__OPTIMIZE__)\b/
			|| /(?<!static_)\bassert\(/;
	}
}

cmp_ok(scalar @files, '>', 0, 'there are sources');
none('none has code for one build type', @found);
done_testing();
