#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The shared library's symbols and the public headers' functions are the same.
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
my @declared = declared_functions();
cmp_ok(scalar @declared, '>', 0, 'the headers declare functions');
my %exported = map { $_ => 1 } @exported;
my %declared = map { $_ => 1 } @declared;
none('every exported name begins with sfshm_',
	grep { !/^sfshm_/ } @exported);
none('every exported name is declared', grep { !$declared{$_} } @exported);
none('every declared name is exported', grep { !$exported{$_} } @declared);
done_testing();
