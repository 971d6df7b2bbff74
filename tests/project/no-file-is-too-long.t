#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# No source file, script or test has more than 500 lines, and no comment of a C
# file passes column 80: clang-format breaks code, and leaves comments alone.
# The test leaves out sfshm_arginfo.h, which is as PHP's gen_stub.php writes it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Project;
use Test::More;

my $most = 500;
my $source = qr/\.(?:c|h|cc|hpp|def|map|t|sh|py|pm|go|pml|cmake)$|CMakeLists\.txt$/;
my ($files, @long, @wide) = (0);

# The lines of C that are too wide; a string may be.
sub wide_lines
{
	my ($text) = @_;
	my ($number, @found) = (0);

	for my $line (split /\n/, $text) {
		my $width = 0;
		$number++;
		$width += /\t/ ? 8 - $width % 8 : 1 for split //, $line;
		push @found, $number
			if $width > 80 && $line !~ /"|NOLINT/;
	}
	return @found;
}

for my $file (map { files_of($_, qr/./) } qw(src include tools tests docs)) {
	next if $file =~ m{^tests/stress/fuzz/corpus/|_arginfo\.h$};
	my $text = content($file);
	next if $file !~ $source && $text !~ /\A#!/;
	my $lines = $text =~ tr/\n//;
	$files++;
	push @long, "$file: $lines lines" if $lines > $most;
	push @wide, map { "$file:$_" } wide_lines($text)
		if $file =~ /\.(?:c|h|cc|hpp)$/;
}

cmp_ok($files, '>', 100, 'there are files to look at');
none("no file has more than $most lines", @long);
none('no comment passes column 80', @wide);
done_testing();
