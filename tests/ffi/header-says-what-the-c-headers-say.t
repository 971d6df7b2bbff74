#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# PROMISE-B1: sfshm.ffi.h has what the C headers have: the functions but
# sfshm_do(), sfshm_fleet_do() and what is for engines; the structs with their
# layouts, the constants, the error codes.
# Two programs print these, one with each header; a third declares each function
# by both.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Project;
use File::Temp 'tempdir';
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $header = build() . '/src/sfshm.ffi.h';
my $include = source() . '/include';

sub written {
	my ($name, $text) = @_;
	open my $out, '>', "$dir/$name" or die "$name: $!\n";
	print $out $text;
	close $out or die "$name: $!\n";
	return "$dir/$name";
}

open my $in, '<', $header or BAIL_OUT("$header: $!");
my $text = do { local $/; <$in> };
$text =~ s{/\*.*?\*/}{}gs;
my @prototypes = $text =~ /^([a-z][^{};]*\([^;{}]*\);)$/mg;
@prototypes = grep { !/^typedef/ } @prototypes;
my %function = map { /\b(sfshm_\w+)\(/ ? ($1 => 1) : () } @prototypes;
my %constant = map { $_ => 1 } $text =~ /\b(SFSHM_\w+) = -?\d+/g;
my (%field, @measured);
while ($text =~ /^struct (\w+) \{\n(.*?)^\};/msg) {
	my ($struct, $list) = ($1, $2);
	push @measured, "sizeof(struct $struct)";
	for ($list =~ /(\w+)(?:\[\d+\])?;$/mg) {
		$field{"$struct.$_"} = 1;
		push @measured, "offsetof(struct $struct, $_)",
			"sizeof(((struct $struct *)0)->$_)";
	}
}
cmp_ok(scalar keys %function, '>', 50, 'there are functions');
cmp_ok(scalar keys %constant, '>', 50, 'there are constants');
cmp_ok(scalar @measured, '>', 50, 'there are structs');

# What is missing, or there for nobody.
is(join("\n", sort keys %function),
	join("\n", grep { !/^sfshm_(?:do|fleet_do|fleet_redis|fleet_etcd)$/ }
		declared_functions()),
	'every function is there but those that are left out');
my $c = join "\n", map { content($_) }
	grep { !/fleet-ops/ } files_of('include', qr/\.h$/);
my %code = map { ("SFSHM_$_" => 1) } map { /-(E[A-Z\d]+)/g }
	$c =~ m{(/\*.*?\*/)}gs;
$c =~ s{/\*.*?\*/}{}gs;
my @enumerators = map { /\b(SFSHM_\w+)(?= *[=,])/g }
	$c =~ /^enum \w+ \{(.*?)^\}/msg;
my @numbers = $c =~ /^#define (SFSHM_\w+) \w+$/mg;
none('every constant is there', grep { !$constant{$_} } @enumerators, @numbers);
none('every error code is there', grep { !$constant{$_} } sort keys %code);
my @sized = $c =~ /^struct (\w+) \{\n\s*size_t size;/mg;
my @opaque = $c =~ /^struct (\w+) \{\n\s*uint64_t opaque\[/mg;
none('each struct that callers initialise has a call for it',
	grep { !$function{"${_}_init"} } @sized, @opaque);
none('each opaque struct has its size', grep { !$constant{uc "${_}_SIZE"} }
	@opaque);
none('each field of a result has its call',
	map { "sfshm_result_$_" }
	grep { !$function{"sfshm_result_$_"} }
	(qw(data len), map { /^sfshm_result\.(\w+)$/ ? $1 : () }
		grep { !/\.(?:size|value|reserved)$/ } sort keys %field));

# Only what the plainest of the interfaces reads.
unlike($text, qr/^\s*#/m, 'no line for the preprocessor');
unlike($text, qr/__|\binline\b|\bstatic\b|\bextern\b|\.\.\.|"/,
	'no attributes, no code');

my $print = join '', map { qq{\tprintf("%s %lld\\n", "$_", (long long)($_));\n} }
	@measured, sort keys %constant;
my $main = "#include <stdio.h>\nint main(void)\n{\n$print\treturn 0;\n}\n";
my $types = "#include <stddef.h>\n#include <stdint.h>\n";
my $own = join '', map {
	/^SFSHM_(E[A-Z\d]+)$/ && $code{$_} ? "#define $_ $1\n" :
	/^(SFSHM_[A-Z]+)_SIZE$/ ?
		"#define $_ sizeof(struct " . lc($1) . ")\n" : ()
} sort keys %constant;
my %output;
for (['ffi', qq{$types#include "$header"\n$main}],
	['c', "#include <sfshm.h>\n$own$main"]) {
	my ($name, $program) = @$_;
	my $file = written("$name.c", $program);
	is(system('gcc', '-w', "-I$include", '-o', "$dir/$name", $file), 0,
		"the program with the $name header builds");
	$output{$name} = qx($dir/$name);
}
is($output{ffi}, $output{c}, 'layouts and numbers are those of C');
my $both = written('both.c', "#include <sfshm.h>\n" . join "\n", @prototypes);
is(system('gcc', '-Wall', '-Wextra', '-Werror', "-I$include", '-fsyntax-only',
		$both), 0, 'prototypes are those of C');
done_testing();
