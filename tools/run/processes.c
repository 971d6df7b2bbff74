/* SPDX-License-Identifier: MIT */
#include "processes.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Longer lines of parents do not come up. */
#define PARENTS_MAX 1024

/* The field of /proc/PID/stat that has the time of the start. */
#define START_FIELD 22

static size_t read_proc(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* Reads the parent and the start. A process's name may have any bytes in it. */
static bool read_stat(pid_t pid, pid_t *parent, unsigned long long *start)
{
	char text[1024], *at;

	if (!read_proc(pid, "stat", text, sizeof(text)))
		return false;
	at = strrchr(text, ')');
	if (!at || strlen(at) < 4)
		return false;
	/* ") S ", then the fields from the 4th, the parent, to the 22nd. */
	at += 4;
	*parent = (pid_t)strtol(at, &at, 10);
	for (int field = 5; field <= START_FIELD; field++)
		*start = strtoull(at, &at, 10);
	return true;
}

unsigned long long process_start(pid_t pid)
{
	unsigned long long start;
	pid_t parent;

	return read_stat(pid, &parent, &start) ? start : 0;
}

bool process_descends(pid_t pid, pid_t above)
{
	unsigned long long start;
	pid_t parent;

	for (int i = 0; i < PARENTS_MAX && pid > 0; i++, pid = parent) {
		if (pid == above)
			return true;
		if (!read_stat(pid, &parent, &start))
			return false;
	}
	return false;
}

void process_command(pid_t pid, char *text, size_t size)
{
	char words[4096];
	size_t len = read_proc(pid, "cmdline", words, sizeof(words));
	const char *from = words, *end = words + len;
	size_t n = 0;

	for (const char *word = words; word < end; word += strlen(word) + 1)
		if (!strcmp(word, "--")) {
			from = word + 3;
			break;
		}
	for (; from < end && n + 1 < size; from++) {
		text[n] = *from;
		if (!*from)
			text[n] = ' ';
		n++;
	}
	while (n && text[n - 1] == ' ')
		n--;
	if (from < end && n > 3)
		memcpy(text + n - 3, "...", 3);
	text[n] = '\0';
}

uint64_t process_pid_ns(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : st.st_ino;
}
