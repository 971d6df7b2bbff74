#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The library uses the value that it has checked: it reads a word of the
# segment by the helpers of os/atomics.h, once, into a private variable. A
# compiler may make a plain read twice, and also a copy that it sees through.
# So in src
#
#   - a word of a shared struct is named only to take its address; arrays of
#     bytes, which are copied, and mutexes, which are libc's, may be named;
#   - copy_torn() fills arrays of bytes, and private words by name in a list.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Project;
use Test::More;

# How src calls what lies in a segment.
my $shared = qr/(?:header|record|rec|
	(?:participants|slots|cold|tags|buckets)\[(?:[^\[\]]|\[[^\]]*\])*\])/x;
my $path = qr/(?:\w+(?:->|\.))*$shared(?:(?:->|\.)\w+)?/;
my $bytes = qr/(?:->|\.)(?:name|inline_granule|key|mutex_bytes)$/;

# Bytes that are compared, and what is not shared.
my %targets = map { $_ => 1 } (
	'&w',           # key.h: eight bytes of a key
	'&pattern',     # fingerprint.c: the process's own
	'&found',
);

my ($words, @plain, @copies) = 0;

for my $file (files_of('src', qr/\.[ch]$/)) {
	next if $file =~ m{^src/segment/layout\.h$};
	my $text = content($file);
	# Comments and names of files go, lines stay.
	$text =~ s{/\*.*?\*/}{ $& =~ tr/\n//cdr }gse;
	$text =~ s/"[^"\n]*"/""/g;
	my $line = sub { 1 + (substr($text, 0, $_[0]) =~ tr/\n//) };

	while ($text =~ /(?<![\w>.])($path)/g) {
		my ($what, $at) = ($1, $-[0]);
		my $before = substr($text, 0, $at);
		next if $what =~ /^(?:header|record|rec)$/;
		next if $what =~ /(?:->|\.)(?:header|record|rec)$/;
		$words++;
		next if $what =~ /$bytes/ || $before =~ /&\(?$/;
		# A save's record has been copied before it is looked at.
		next if $what =~ /^rec[.]/ || $file =~ m{^src/(?:sync|top)/save(?:note)?\.c$};
		push @plain, "$file:" . $line->($at) . ": $what";
	}
	while ($text =~ /\bcopy_torn\(\s*([^,]*),/g) {
		my ($to, $at) = ($1, $-[0]);
		next if $to !~ /^&/ || $targets{$to};
		push @copies, "$file:" . $line->($at) . ": copy_torn($to, ...)";
	}
}

cmp_ok($words, '>', 100, 'there are words to look at');
none('no word of a segment is read plainly', @plain);
none('no word of a segment is copied with others', @copies);
done_testing();
