# SPDX-License-Identifier: MIT
#
# Functions for the Perl tests about the project.
package Project;

use strict;
use warnings;
use Exporter 'import';
use Cwd 'realpath';
use File::Basename 'dirname';
use File::Find;
use Test::More;

our @EXPORT = qw(source build files_of content declared_functions none);

my $source = $ENV{SFSHM_SOURCE} // realpath(dirname(__FILE__) . '/../..');
my $build = $ENV{SFSHM_BUILD} // "$source/build";

sub source { return $source }
sub build { return $build }

# Passes if nothing is left in the list.
sub none {
	my ($what, @found) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok(!@found, $what) or diag(map { "$_\n" } @found);
}

# The files below a folder of the source tree whose names match, sorted.
sub files_of {
	my ($folder, $pattern) = @_;
	my @found;
	my $take = sub {
		push @found, substr $_, length($source) + 1
			if -f && /$pattern/;
	};
	find({ wanted => $take, no_chdir => 1 }, "$source/$folder");
	return sort @found;
}

sub content {
	my ($file) = @_;
	open my $in, '<', "$source/$file" or die "$file: $!\n";
	local $/;
	return scalar <$in>;
}

# The functions that the public headers declare, sorted.
sub declared_functions {
	my $text = join "\n", map { content($_) }
		files_of('include', qr/\.h$/);
	$text =~ s{/\*.*?\*/}{}gs;
	$text =~ s{//.*}{}g;
	$text =~ s{^\s*#(.*\\\n)*.*}{}gm;
	my %seen = map { $_ => 1 } $text =~ /\b(sfshm_\w+)\s*\(/g;
	return sort keys %seen;
}

1;
