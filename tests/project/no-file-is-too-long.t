#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# No source file, script or test has more than 500 lines.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Project;
use Test::More;

my $most = 500;
my $source = qr/\.(?:c|h|cc|hpp|def|map|t|sh|py|pm|go|pml|cmake)$|CMakeLists\.txt$/;
my ($files, @long) = (0);

for my $file (map { files_of($_, qr/./) } qw(src include tools tests docs)) {
	next if $file =~ m{^tests/stress/fuzz/corpus/};
	my $text = content($file);
	next if $file !~ $source && $text !~ /\A#!/;
	my $lines = $text =~ tr/\n//;
	$files++;
	push @long, "$file: $lines lines" if $lines > $most;
}

cmp_ok($files, '>', 100, 'there are files to look at');
none("no file has more than $most lines", @long);
done_testing();
