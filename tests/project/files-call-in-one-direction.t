#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# No two files of the library, and none of a tool, use each other: by calls or
# by variables, directly or by way of others. The object files say which
# symbols each defines and which it needs.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Project;
use File::Find;
use Test::More;

my %programs = (
	library => '/src/CMakeFiles/sfshm_testing.dir',
	map { $_ => "/tools/CMakeFiles/sfshm-$_.dir" } qw(run dump ctl),
);

sub objects_below {
	my ($folder) = @_;
	my @found;
	find({ wanted => sub { push @found, $_ if /\.o$/ }, no_chdir => 1 },
		$folder) if -d $folder;
	return sort @found;
}

# file => { file that it uses => symbol }
sub uses_of {
	my ($folder) = @_;
	my (%home, %needs, %uses);

	for my $object (objects_below($folder)) {
		my $file = substr $object, length($folder) + 1, -2;
		for (`nm -P '$object'`) {
			my ($symbol, $type) = split;
			$home{$symbol} = $file if $type =~ /^[TDBRVWC]$/;
			push @{$needs{$file}}, $symbol if $type eq 'U';
		}
		$uses{$file} = {};
	}
	for my $file (keys %needs) {
		for my $symbol (@{$needs{$file}}) {
			my $to = $home{$symbol} // next;
			$uses{$file}{$to} = $symbol if $to ne $file;
		}
	}
	return %uses;
}

# Takes away each file that uses none of those left, or that none of them uses,
# until nothing goes any more: the rest is in circles, or between two of them.
sub circles_of {
	my %uses = @_;
	my $before;

	do {
		my %used;

		$before = keys %uses;
		$used{$_} = 1 for map { keys %$_ } values %uses;
		for my $file (keys %uses) {
			delete $uses{$file}
				if !$used{$file} ||
				!grep { $uses{$_} } keys %{$uses{$file}};
		}
	} while (keys %uses < $before);
	return map {
		my $file = $_;
		map { "$file uses $_ ($uses{$file}{$_})" }
			grep { $uses{$_} } sort keys %{$uses{$file}};
	} sort keys %uses;
}

is_deeply([circles_of(a => { b => 'f' }, b => { a => 'g' }, c => { a => 'f' },
		d => {})],
	['a uses b (f)', 'b uses a (g)'],
	'a circle is seen');
for my $name (sort keys %programs) {
	my %uses = uses_of(build() . $programs{$name});

	cmp_ok(scalar keys %uses, '>', 1, "there are files of $name");
	none("files of $name use each other in one direction",
		circles_of(%uses));
}
done_testing();
