/* SPDX-License-Identifier: MIT */
#include "screen.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Moves the cursor home; wipes the screen and what has scrolled off it. */
#define CLEAR "\033[H\033[2J\033[3J"

static struct winsize screen(void)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		return (struct winsize){ 0 };
	return size;
}

unsigned int screen_lines(void)
{
	return screen().ws_row;
}

unsigned int screen_columns(void)
{
	return screen().ws_col;
}

void screen_clear(void)
{
	if (isatty(STDOUT_FILENO))
		fputs(CLEAR, stdout);
}
