#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# An ordering point in src carries a comment
#
#	/* ORDER-N1 pairs ORDER-N2[, ORDER-...] ... */
#
# The partners exist and name it back. docs/ordering.md has an entry for each,
#
#	**ORDER-N1** pairs ORDER-N2[ and ORDER-...]; `file`, `function`[ ...]. ...
#
# with the same partners, the files that have the label and functions that stand
# there, and for no other label. It says which order the litmus tests found the
# label to need, or that they cannot show it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Project;
use Test::More;

my $label = qr/ORDER-[A-Z][0-9]+/;
my (%partners, %places, %stands, @malformed);

for my $file (files_of('src', qr/\.[ch]$/)) {
	my $text = content($file);
	while ($text =~ /^[\s\/*]*(ORDER-\S* pairs\b[^\n]*)/mg) {
		my $words = $1;
		my $place = "$file:" . (1 + (substr($text, 0, $-[1]) =~ tr/\n//));
		if ($words =~ /^($label) pairs ($label(?:,\s*$label)*)/) {
			my $name = $1;
			$partners{$name}{$_} = 1 for split /,\s*/, $2;
			push @{$places{$name}}, $place;
		} else {
			push @malformed, "$place: $words";
		}
		$stands{$_}{$file} = 1 for $words =~ /^($label)/;
	}
	# "As ORDER-N1 in ..." says that the same order is needed here.
	while ($text =~ /\bAs (ORDER-[^.*]*) in \w+\.[ch]/g) {
		my $same = $1;
		$stands{$_}{$file} = 1 for $same =~ /$label/g;
	}
}

my @orphans;
for my $name (sort keys %partners) {
	for my $partner (sort keys %{$partners{$name}}) {
		next if $partners{$partner} && $partners{$partner}{$name};
		push @orphans, "$name (@{$places{$name}}) pairs $partner, "
			. ($partners{$partner} ? 'which does not name it'
				: 'which does not exist');
	}
}

my $doc = -f source() . '/docs/ordering.md' ? content('docs/ordering.md') : '';
my (%described, %told, @misplaced);

# The files that an entry names are those of the label; its functions are there.
sub misplaced {
	my ($name, $head) = @_;
	my @files = $head =~ /`(\w+\.[ch])`/g;
	my @has = sort keys %{$stands{$name}};
	my $text = join '', map { content($_) } @has;

	return "$name: @files, but: @has"
		if join(' ', sort @files) ne
			join ' ', sort map { s{.*/}{}r } @has;
	return map { "$name: no $_() in @files" }
		grep { $text !~ /\b$_\(/ } $head =~ /`(\w+)`/g;
}

for (split /\n\n/, $doc) {
	my ($name, $others, $head) =
		/^\*\*($label)\*\* pairs\s([^;]*);((?:[^`]|`[^`]*`)*?)\.\s/
		or next;
	$described{$name} = join ' ', sort $others =~ /$label/g;
	push @misplaced, misplaced($name, $head);
	$told{$name} = $1 if /Litmus:\s(acquire and release|\w+)/;
}

cmp_ok(scalar keys %partners, '>', 0, 'there are ordering labels');
none('every label is well formed', @malformed);
none('every label has its partner', @orphans);
none('docs/ordering.md gives each label its partners',
	grep { join(' ', sort keys %{$partners{$_}}) ne ($described{$_} // '') }
	sort keys %partners);
none('docs/ordering.md says where each label stands', @misplaced);
none('docs/ordering.md describes no label that is not there',
	grep { !$partners{$_} } sort keys %described);

my %words = (acq => 'acquire', rel => 'release', seq => 'seq_cst',
	acq_rel => 'acquire and release');
my %needed;

my $litmus = content('tests/litmus/each-order-is-needed.c');
while ($litmus =~ /\.needs = "([^"]*)"/g) {
	for (split /, /, $1) {
		my ($name, $order) = split;
		push @{$needed{$name}}, $words{$order} // "unknown: $order";
	}
}
none('each entry says what the litmus tests found, or that they cannot',
	grep { !$told{$_} } sort keys %partners);
none('... and says what they found',
	grep {
		my $name = $_;
		my @found = @{$needed{$name} // ['cannot']};
		grep { $_ ne ($told{$name} // '') } @found;
	} sort keys %partners);
none('the litmus tests know no label that is not there',
	grep { !$partners{$_} } sort keys %needed);
done_testing();
