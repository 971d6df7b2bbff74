#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# errors.h is the home of the account of each error code. sfshm(7) gives the
# same account, word for word, and sfshm_strerror() has a text for each code.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Project;
use Test::More;

# One line of mdoc as a reader sees it, without quotation marks.
sub seen {
	my ($line) = @_;
	$line =~ s/^\.Pq Xr (\S+) (\d)/($1($2))/;
	$line =~ s/^\.Xr (\S+) (\d)/$1($2)/;
	$line =~ s/^\.(?:Va|Dv|Dq|Ql) //;
	$line =~ s/ ([,.;])$/$1/;
	return $line;
}

my ($comment) = content('include/sfshm/errors.h') =~ m{\n(/\*.*?\*/)}s;
my (@header, @page);
for (split /\n/, $comment) {
	if (/^ \*   (-E[A-Z\d]+[-A-Z, .]*?)  +(\S.*)/) {
		push @header, [$1, $2];
	} elsif (/^ \* {18}(\S.*)/ && @header) {
		$header[-1][1] .= " $1";
	}
}
for (@header) {
	$_->[1] =~ s/["`]//g;
}

my ($section) = content('docs/man/sfshm.7') =~
	/^\.Sh ERROR CODES\n(.*?)^\.Sh /ms;
for (split /\n/, $section // '') {
	if (/^\.It Bq (.*)/) {
		my $codes = $1;
		$codes =~ s/(?:Er|No) //g;
		$codes =~ s/ ,/,/g;
		push @page, [$codes, ''];
	} elsif (@page && $_ ne '.El') {
		$page[-1][1] .= ($page[-1][1] eq '' ? '' : ' ') . seen($_);
	}
}

cmp_ok(scalar @header, '>', 20, 'errors.h lists error codes');
is(join("\n", map { "$_->[0]: $_->[1]" } @page),
	join("\n", map { "$_->[0]: $_->[1]" } @header),
	'sfshm(7) gives the account of errors.h');

my %told = map { $_ => 1 } map { /-(E[A-Z\d]+)/g } map { $_->[0] } @header;
my %text = map { $_ => 1 } content('src/top/errors.c') =~ /\{ (E[A-Z\d]+),/g;
none('each text of errors.c is of a code in errors.h',
	grep { !$told{$_} } sort keys %text);
# The system's own text serves for these.
my %plain = map { $_ => 1 } qw(ENOMEM EACCES);
none('each code of errors.h has a text in errors.c',
	grep { !$text{$_} && !$plain{$_} } sort keys %told);
done_testing();
