#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The documents list what the sources define: kill points, counters,
# transitions. The README quotes the example. Links lead somewhere, and tests
# that are named exist. A line is not wider than a reader's window.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Project;
use File::Basename;
use Test::More;

sub defined_by {
	my ($file, $macro) = @_;
	return content($file) =~ /^$macro\((\w+), "([^"]*)"\)/mg;
}

sub same {
	my ($what, $wanted, $got) = @_;
	is(join("\n", @$got), join("\n", @$wanted), $what);
}

# The headings of a page, as links name them.
sub anchors {
	my ($file) = @_;
	return map { s/[^\w\s-]//gr =~ s/ /-/gr } map { lc }
		content($file) =~ /^#+ (.*)/mg;
}

my %points = defined_by('src/os/killpoint.def', 'KILL_POINT');
cmp_ok(scalar keys %points, '>', 0, 'there are kill points');
same('recovery.md has one entry for each kill point', [sort keys %points],
	[sort { $a cmp $b } content('docs/recovery.md') =~ /^\*\*`(\w+)`\*\*/mg]);

my @counters = defined_by('src/segment/counters.def', 'COUNTER');
cmp_ok(scalar @counters, '>', 0, 'there are counters');
same('operations.md has each counter with its meaning', \@counters,
	[content('docs/operations.md') =~ /^\| `(\w+)` \| ([^|]*) \|/mg]);

my @events = defined_by('src/segment/events.def', 'EVENT');
cmp_ok(scalar @events, '>', 0, 'there are events');
my ($page) = content('docs/man/sfshm-dump.1') =~ /^\.Ss Events\n(.*?)^\.Ss /ms;
same('sfshm-dump(1) has each event with its meaning', \@events,
	[map { lcfirst } $page =~ /^\.It Cm (\w+)\n(.*)\.$/mg]);

my @steps = content('src/store/ctl.h') =~ /^ \*  (FLIGHT-T\d+)\. /mg;
cmp_ok(scalar @steps, '>', 0, 'there are transitions');
my $labels = join ' ', content('docs/img/flight.dot') =~ /label="([^"]*)"/g;
my %drawn = map { $_ => 1 } $labels =~ /\b(FLIGHT-T\d+) /g;
none('flight.dot draws each transition', grep { !$drawn{$_} } @steps);

my ($example) = content('docs/examples/report.c') =~ /(^#include.*)/ms;
ok(index(content('README.md'), "```c\n$example```\n") >= 0,
	'README.md quotes docs/examples/report.c');

my (@dead, @unknown, @wide);
for my $file ('README.md', map { files_of($_, qr/\.md$/) } qw(docs tests src)) {
	my $text = content($file);
	while ($text =~ /\]\(([^)#]*)(?:#([^)]*))?\)/g) {
		my ($link, $anchor) = ($1, $2);
		next if $link =~ /^https?:/;
		my $target = $link eq '' ? $file : dirname($file) . "/$link";
		push @dead, "$file: $link" unless -e source() . "/$target";
		push @dead, "$file: $link#$anchor" if defined $anchor
			&& !grep { $_ eq $anchor } anchors($target);
	}
	while ($text =~ m{\b(tests/(?:stress/)?[\w-]+/[\w-]+\.[ct])\b}g) {
		push @unknown, "$file: $1" unless -e source() . "/$1";
	}
	# What programs print stays as they print it.
	$text =~ s/^```\n.*?^```\n|<!-- (\S+): begin.*?<!-- \1: end//msg;
	$text =~ s/^    .*|\]\([^)]*\)//mg;
	push @wide, map { "$file: $_" } $text =~ /^(.{121,})$/mg;
}
none('links lead somewhere', @dead);
none('tests that are named exist', @unknown);
none('no line is wider than 120 columns', @wide);
done_testing();
