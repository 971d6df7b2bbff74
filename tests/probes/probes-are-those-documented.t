#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# The library has the probes that operations.md lists, each with as many values
# wherever it stands. The scripts for bpftrace use these probes and values only,
# and operations.md has the numbers of the ends that they compare with.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Project;
use Test::More;

my $library = build() . '/src/libsfshm.so';
my $page = content('docs/operations.md');

my (%values, @odd, $name);
for (qx(readelf -n '$library')) {
	$name = $1 if /^ +Name: (\w+)/;
	next unless /^ +Arguments: (.*)/;
	my $count = () = $1 =~ /(?:^| )-?\d@/g;
	push @odd, $name if ($values{$name} //= $count) != $count;
}
if (!%values) {
	plan skip_all => 'the library was built without <sys/sdt.h> '
		. '(package systemtap-sdt-dev)';
}
none('each probe has the same values everywhere', @odd);

my %listed;
while ($page =~ /^\| `sfshm:(\w+)` \| [^|]* \| ([^|]*) \|$/mg) {
	my ($probe, $list) = ($1, $2);
	$listed{$probe} = () = $list =~ /arg\d/g;
}
is_deeply(\%values, \%listed, 'operations.md lists each probe with its values');

my @events = content('src/segment/events.def') =~ /^EVENT\((\w+),/mg;
my %number = map { $events[$_] => $_ + 1 } 0 .. $#events;
my ($ends) = $page =~ /^The ends are (.*?)\.\n/ms;
my %ends = ($ends // '') =~ /(\d+) `(\w+)`/g;
cmp_ok(scalar keys %ends, '>', 0, 'operations.md has the numbers of ends');
none('they are those of events.def',
	grep { $number{$ends{$_}} != $_ } keys %ends);

for my $script (files_of('tools/bpf', qr/\.bt$/)) {
	my (@unknown, $used);
	my $text = content($script) =~ s{^//.*}{}mgr;
	while ($text =~ /^usdt:\$1:sfshm:(\w+)(.*?)^\}/msg) {
		my ($probe, $body) = ($1, $2);
		$used++;
		push @unknown, $probe unless defined $values{$probe};
		push @unknown, map { "$probe: arg$_" }
			grep { $_ >= ($values{$probe} // 0) }
			$body =~ /\barg(\d+)/g;
		push @unknown, map { "$probe: end $_" }
			grep { !$ends{$_} } $body =~ /arg3 [<=]= (\d+)/g;
	}
	ok($used, "$script uses probes");
	none('and only those that there are', @unknown);
}
done_testing();
