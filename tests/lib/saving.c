/* SPDX-License-Identifier: MIT */
#include "saving.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/wait.h>

#include "os/killpoint.h"

static char folder[256];

int saving_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/sfshm-save.XXXXXX",
		 tmp ? tmp : "/tmp");
	return !mkdtemp(folder) || segment_setup(state) ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

int saving_teardown(void **state)
{
	int r = nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);

	return segment_teardown(state) || r;
}

const char *saving_path(const char *name)
{
	static char paths[4][512];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

int saving_entries(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int n = 0;

	demand(dir);
	while ((entry = readdir(dir)))
		n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(dir);
	return n;
}

void saving_begin(struct sfshm *h, const char *key,
		  const struct sfshm_save_options *o, int outcome,
		  struct sfshm_save *save, struct sfshm_save_info *info)
{
	struct sfshm_save_info unused = SFSHM_SAVE_INFO_INIT;
	int r = sfshm_save_begin(h, key, strlen(key), saving_path("file"), o,
				 save, info ? info : &unused);

	if (r != outcome)
		fprintf(stderr, "# save of %s: %d instead of %d\n", key, r,
			outcome);
	demand(r == outcome);
}

void saving_write(struct sfshm_save *save, const char *text)
{
	size_t len = strlen(text);

	demand(write(sfshm_save_fd(save), text, len) == (ssize_t)len);
}

int saving_save(struct sfshm *h, const char *key, const char *text,
		const struct sfshm_save_options *o)
{
	struct sfshm_save save;

	saving_begin(h, key, o, SFSHM_LEADER, &save, NULL);
	saving_write(&save, text);
	return sfshm_save_publish(&save);
}

struct halt {
	int signal;
	const struct sfshm_save_options *options;
};

static void save_and_halt(int point, void *arg)
{
	const struct halt *halt = arg;
	struct sfshm *h = segment_open(NULL);
	int r;

	killpoint_arm((enum kill_point)point, 1, halt->signal);
	r = saving_save(h, "key", "some text", halt->options);
	demand(sfshm_close(h) == 0);
	_exit(-r);
}

int saving_halted(int point, int signal, const struct sfshm_save_options *o)
{
	struct halt halt = { .signal = signal, .options = o };
	int pid = child_start(save_and_halt, point, &halt), status;

	demand(waitpid(pid, &status, WUNTRACED) == pid);
	demand(signal == SIGSTOP ? WIFSTOPPED(status) : WIFSIGNALED(status));
	return pid;
}

int saving_resume(int pid)
{
	int status;

	demand(kill(pid, SIGCONT) == 0);
	status = child_gone(pid);
	demand(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

const char *saving_text(void)
{
	static char text[256];
	int fd = open(saving_path("file"), O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	demand(n >= 0);
	text[n] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

struct sfshm_save_info saving_info(struct sfshm *h, const char *key)
{
	struct sfshm_save_info info = SFSHM_SAVE_INFO_INIT;
	int r = sfshm_save_get(h, key, strlen(key), &info);

	demand(r == SFSHM_CACHED || r == -ENODATA);
	return info;
}
