# SPDX-License-Identifier: MIT
#
# awk -v rows=N -v seed=N -f sales.awk: writes N sales, one a line, as
# day,region,product,customer,cents. The same seed gives the same file with
# every awk: the generator's numbers stay below 2^53.

function draw(limit)
{
	state = state * 16807 % 2147483647
	return int(state / 16) % limit
}

BEGIN {
	split("north south east west", region)
	state = seed
	for (row = 0; row < rows; row++)
		printf "2024-%02d-%02d,%s,p%03d,c%05d,%d\n", draw(12) + 1,
			draw(28) + 1, region[draw(4) + 1], draw(500),
			draw(20000), draw(90000) + 100
}
