#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# A struct that the library lays over a caller's opaque words may alias them,
# fits into them, and is reached by one accessor.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Project;
use Test::More;

my $headers = join '', map { content($_) } files_of('include', qr/\.h$/);
my %opaque = map { $_ => 1 }
	$headers =~ /^struct (sfshm_\w+) \{\s*uint64_t opaque\[/mg;
my $sources = join '', map { content($_) } files_of('src', qr/\.[ch]$/);
my (%public, %casts);

$public{$1} = $2
	while $sources =~ /^OVERLAY_FITS\(struct (\w+), struct (\w+)\);/mg;
$casts{$1}++ while $sources =~ /\((?:const )?struct (\w+) \*\)(?!0)/g;

cmp_ok(scalar keys %opaque, '>', 0, 'there are opaque structs');
my %laid = reverse %public;
none('each has a struct that fits into it', grep { !$laid{$_} } keys %opaque);
none('each of those may alias it',
	grep { $sources !~ /^struct $_ \{(?:(?!^\})[^\n]*\n)*\} overlay;/m }
	keys %public);
none('each of those is reached by one accessor',
	grep { ($casts{$_} // 0) != 1 } keys %public);
done_testing();
