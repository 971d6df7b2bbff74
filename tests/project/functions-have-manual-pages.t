#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# Each public function stands in the NAME section of one page of section 3,
# and those pages name nothing else.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Project;
use Test::More;

# NAME, as mdoc's .Nm lines or as one line of the man macros.
sub names_of {
	my ($text) = @_;
	my ($name) = $text =~ /^\.S[hH] "?NAME"?\n(.*?)(?=^\.S[hH] )/ms
		or return ();
	return $name =~ /\b(sfshm_\w+)/g;
}

my %named;
for my $file (files_of('docs/man', qr/\.3$/)) {
	push @{$named{$_}}, $file for names_of(content($file));
}
my @declared = declared_functions();
my %declared = map { $_ => 1 } @declared;

cmp_ok(scalar @declared, '>', 0, 'the headers declare functions');
none('every function stands in a page\'s NAME',
	grep { !$named{$_} } @declared);
none('no page names a function that does not exist',
	grep { !$declared{$_} } sort keys %named);
none('no function has two pages',
	grep { @{$named{$_}} > 1 } sort keys %named);
done_testing();
