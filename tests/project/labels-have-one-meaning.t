#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Invariants, transitions, orderings and promises have labels, FAMILY-N or
# FAMILY-XN, with N a number. A label is defined once, as an item of a list in a
# comment
#
#	 *  FAMILY-N. A granule ...
#
# or as an entry in docs, a paragraph that begins with "**FAMILY-N**". Each label that is named
# is defined, and each item of a list is named somewhere else. Users of the
# library do not meet labels: the public headers have none.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Project;
use Test::More;

my $family = qr/(?<![\w-])[A-Z]{3,}-[A-Z]?/;
my $label = qr/$family\d+(?![\w-])/;
# Names that others gave to things of theirs.
my $foreign = qr/\bUTF-8\b|\bPSR-\d+\b|\bC11\b|\bS3-FIFO\b|\bZ6\.U\b/;
# The explorer prints participants as P with a number.
my $printed = qr/^.* schedules, budget .*$/m;
my $skipped = qr{^tests/stress/fuzz/corpus/|^docs/coming-from/|\.(?:svg|abi)$};

my (%defined, %entries, %used, @old, @public);

# "A-1 to A-4" names those in between as well.
sub names_in {
	my ($text) = @_;
	my @names = $text =~ /$label/g;
	while ($text =~ /($family)(\d+)\s+(?:[*#]\s+)?to\s+(?:[*#]\s+)?\1(\d+)/g) {
		my ($stem, $first, $last) = ($1, $2, $3);
		push @names, map { "$stem$_" } $first .. $last;
	}
	return @names;
}

my @files = grep { !/$skipped/ } 'README.md', 'CMakeLists.txt',
	map { files_of($_, qr/./) } qw(src include tests docs tools);
for my $file (@files) {
	my $text = content($file);
	next if $text =~ /\0/;
	$text =~ s/$printed|$foreign//g;
	my $definition = $file =~ /\.md$/ ? qr/^\*\*($label)\*\*/m
		: qr/^\s*\*\s{2,}($label)\. /m;
	while ($text =~ /$definition/g) {
		my $name = $1;
		push @{$defined{$name}}, $file;
		$entries{$name} = 1 if $file =~ /\.md$/;
	}
	$text =~ s/$definition//g;
	push @{$used{$_}}, $file for names_in($text);
	push @public, "$file: $_" for $file =~ /^include/ ? names_in($text) : ();
	push @old, "$file: $1"
		while $text =~ /(?<![\w.+*&%\$-])([A-Z]{1,2}\d{1,2})(?![\w.])/g;
}

cmp_ok(scalar keys %defined, '>', 0, 'there are labels');
none('each label is defined once',
	map { "$_: @{$defined{$_}}" }
	grep { @{$defined{$_}} > 1 } sort keys %defined);
none('each label that is named is defined',
	map { "$_: @{$used{$_}}" } grep { !$defined{$_} } sort keys %used);
none('each item of a list is named somewhere',
	map { "$_: @{$defined{$_}}" }
	grep { !$used{$_} && !$entries{$_} } sort keys %defined);
none('no label goes without a family', @old);
none('public headers have no labels', @public);
done_testing();
