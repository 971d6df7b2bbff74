/* SPDX-License-Identifier: MIT */
#include "screen.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Moves the cursor home and wipes the screen. */
#define CLEAR "\033[H\033[2J"

/* Goes to the alternate screen without a cursor, and back. */
#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"

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

void screen_enter(void)
{
	if (isatty(STDOUT_FILENO))
		fputs(ENTER, stdout);
}

void screen_leave(void)
{
	if (isatty(STDOUT_FILENO))
		fputs(LEAVE, stdout);
	fflush(stdout);
}

void screen_restore(void)
{
	ssize_t written = write(STDOUT_FILENO, LEAVE, sizeof(LEAVE) - 1);

	(void)written;
}

void screen_clear(void)
{
	if (isatty(STDOUT_FILENO))
		fputs(CLEAR, stdout);
}
