/* SPDX-License-Identifier: MIT */
/* sfshm-top: a segment in use, on a terminal. */
#include <curses.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "common/args.h"
#include "common/complain.h"
#include "top.h"

static volatile sig_atomic_t ended;
static struct termios terminal;

static void end(int number)
{
	ended = number;
}

/* If the file shrinks, reading it raises SIGBUS. */
static void fault(int number)
{
	static const char text[] =
		"\033[?1049l\033[?25h\r\nsfshm-top: the segment's file shrank "
		"while it was read; make the segment anew\r\n";
	ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)number;
	(void)written;
	tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
	_exit(ARGS_EXIT_FAILURE);
}

static void signals_catch(void)
{
	struct sigaction action = { .sa_handler = end };

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	action.sa_handler = fault;
	sigaction(SIGBUS, &action, NULL);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Whether the view is still that of the file with the segment's name. */
static int is_current(const struct top *top, const struct stat *file)
{
	return top->view && file->st_ino == top->file.st_ino &&
	       file->st_dev == top->file.st_dev;
}

/* Opens the segment anew if another one has its name. */
static int view_renew(struct top *top)
{
	struct stat file = { 0 };
	char path[PATH_MAX];

	if (sfshm_path(top->segment, path, sizeof(path)) || stat(path, &file))
		file.st_ino = 0;
	if (is_current(top, &file))
		return 0;
	top->file = file;
	sfshm_view_close(top->view);
	return sfshm_view_open(&top->view, top->segment, top->why,
			       sizeof(top->why));
}

void top_read(struct top *top)
{
	int r = view_renew(top);

	top->taken_at = (int64_t)time(NULL);
	top->filter.key_pattern = *top->pattern ? top->pattern : NULL;
	if (r)
		return;
	r = survey_take(&top->survey, top->view, &top->filter, SURVEY_ALL,
			top->sort);
	if (r) {
		snprintf(top->why, sizeof(top->why), "%s", sfshm_strerror(r));
		sfshm_view_close(top->view);
		top->view = NULL;
		return;
	}
	/* All events are read anew: the list is the whole history. */
	events_free(&top->events);
	if (top->mode == TOP_HISTORY)
		(void)!events_read(&top->events, top->view,
				   top->filter.key_pattern);
	if (top->sort || rows_sort_urgent(&top->survey.rows))
		rows_sort(&top->survey.rows, !top->sort || top->descending);
	rates_add(&top->rates, &top->survey, now_ms());
}

static void screen_begin(const struct top *top)
{
	tcgetattr(STDIN_FILENO, &terminal);
	initscr();
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	if (!top->colour || !has_colors() || start_color() == ERR)
		return;
	use_default_colors();
	init_pair(1, COLOR_GREEN, -1);
	init_pair(2, COLOR_YELLOW, -1);
	init_pair(3, COLOR_RED, -1);
}

static void run(struct top *top)
{
	uint64_t next = now_ms() + top->delay_ms;

	while (!top->quit && !ended) {
		uint64_t now = now_ms();
		int key;

		top_draw(top);
		timeout(next > now ? (int)(next - now) : 0);
		key = getch();
		if (ended)
			return;
		if (key == ERR && now_ms() >= next) {
			if (!top->paused)
				top_read(top);
			next = now_ms() + top->delay_ms;
		} else if (key != ERR && key != KEY_RESIZE) {
			if (top_key(top, key))
				top_read(top);
		}
	}
}

int main(int argc, char **argv)
{
	static struct top top;
	const char *bad;
	size_t len;
	int status;

	setlocale(LC_CTYPE, "");
	status = top_options(&top, argc, argv);
	if (status >= 0)
		return status;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		complain("standard input and output are no terminal; "
			 "sfshm-dump --watch writes to files");
		return ARGS_EXIT_USAGE;
	}
	(void)!column_list_parse(&top.columns, columns_default, &bad, &len);
	signals_catch();
	top_read(&top);
	if (!top.view)
		return args_segment_failed(top.segment, -ENOENT, top.why);
	screen_begin(&top);
	run(&top);
	endwin();
	sfshm_view_close(top.view);
	survey_free(&top.survey);
	events_free(&top.events);
	return ended && ended != SIGINT ? 128 + ended : 0;
}
