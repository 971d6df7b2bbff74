/* SPDX-License-Identifier: MIT */
/*
 * Staged saves. Copies of the segment do not show what a save does to the file
 * system, so there are only real deaths; each stage has a folder of its own
 * for the file.
 */
#include "scenario.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sfshm/save.h>

#include "sync/savefile.h"

#define SAVED "the file"
#define TEXT "what is to be saved"

static struct sfshm_save my_save;

struct text {
	char path[160];
};

static struct text folder(const struct stage *st)
{
	struct text t;

	snprintf(t.path, sizeof(t.path), "%s.d", st->path);
	return t;
}

static struct text file(const struct stage *st)
{
	struct text t;

	snprintf(t.path, sizeof(t.path), "%s.d/file", st->path);
	return t;
}

static int ask_for(struct sfshm *h, const struct stage *st, uint32_t flags,
		   struct sfshm_save *save)
{
	const struct sfshm_save_options o = {
		.size = sizeof(o),
		.flags = flags,
		.ttl_ms = SFSHM_FOREVER,
		.deadline_ns = sfshm_deadline_ms(60000),
	};

	return sfshm_save_begin(h, SAVED, strlen(SAVED), file(st).path, &o,
				save, NULL);
}

static void begin(struct stage *st, uint32_t flags)
{
	insist(st, ask_for(mine, st, flags, &my_save) == SFSHM_LEADER);
}

static void fill_in(struct stage *st)
{
	ssize_t len = (ssize_t)strlen(TEXT);

	insist(st, write(sfshm_save_fd(&my_save), TEXT, (size_t)len) == len);
}

static void publish(struct stage *st)
{
	insist(st, sfshm_save_publish(&my_save) == 0);
}

static void warm(struct stage *st)
{
	act_open(st);
	act_make(st, "warm", 40);
	insist(st, mkdir(folder(st).path, 0700) == 0);
}

static void warm_named(struct stage *st)
{
	savefile_named_only = true;
	warm(st);
}

static void write_it(struct stage *st)
{
	warm(st);
	begin(st, 0);
	fill_in(st);
}

static void write_named(struct stage *st)
{
	savefile_named_only = true;
	write_it(st);
}

static void write_again(struct stage *st)
{
	write_it(st);
	publish(st);
	begin(st, SFSHM_SAVE_AGAIN);
	fill_in(st);
}

/*
 * Lets another writer save the file, and kills it after the system call `last`;
 * 0: before it publishes.
 */
static void live_until(struct stage *st, long last)
{
	struct __ptrace_syscall_info info;
	bool inside = false;
	sigset_t death;
	int status;
	pid_t pid;

	/* The harness would hear of this death. */
	sigemptyset(&death);
	sigaddset(&death, SIGCHLD);
	sigprocmask(SIG_BLOCK, &death, NULL);
	pid = fork();
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		mine = stage_open(st);
		begin(st, 0);
		fill_in(st);
		raise(SIGSTOP);
		publish(st);
		_exit(0);
	}
	insist(st, waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	ptrace(PTRACE_SETOPTIONS, pid, NULL,
	       PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
	while (last && !ptrace(PTRACE_SYSCALL, pid, NULL, NULL) &&
	       waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		memset(&info, 0, sizeof(info));
		ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
		if (inside)
			break;
		inside = info.op == PTRACE_SYSCALL_INFO_ENTRY &&
			 info.entry.nr == (uint64_t)last;
	}
	insist(st, !last || inside);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void writer_died(struct stage *st)
{
	warm(st);
	live_until(st, 0);
}

static void named_writer_died(struct stage *st)
{
	warm(st);
	savefile_named_only = true;
	live_until(st, 0);
	savefile_named_only = false;
}

static void writer_died_linked(struct stage *st)
{
	warm(st);
	live_until(st, SYS_linkat);
}

static void op_begin(struct stage *st)
{
	begin(st, 0);
}

static void op_present(struct stage *st)
{
	insist(st, ask_for(mine, st, 0, &my_save) == SFSHM_CACHED);
}

static void op_look(struct stage *st)
{
	struct sfshm_save_info info = SFSHM_SAVE_INFO_INIT;

	insist(st, sfshm_save_get(mine, SAVED, strlen(SAVED), &info) ==
			   SFSHM_CACHED);
}

static void op_abort(struct stage *st)
{
	insist(st, sfshm_save_abort(&my_save) == 0);
}

static void op_fail(struct stage *st)
{
	insist(st, sfshm_save_fail(&my_save, -5, "some words") == 0);
}

/* Nothing but the file may be in its folder. */
static bool is_alone(const struct stage *st)
{
	DIR *dir = opendir(folder(st).path);
	struct dirent *entry;
	int others = 0, files = 0;

	while (dir && (entry = readdir(dir))) {
		files += !strcmp(entry->d_name, "file");
		others += entry->d_name[0] == '.' && strlen(entry->d_name) > 2;
	}
	if (dir)
		closedir(dir);
	return files == 1 && !others;
}

static bool is_whole(const struct stage *st)
{
	FILE *f = fopen(file(st).path, "re");
	char text[64] = "";
	size_t n;

	if (!f)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	return n == strlen(TEXT) && !strcmp(text, TEXT);
}

/* The file is there, or (`missing`) is saved now. */
static const char *ask_once(const struct stage *st, struct sfshm *h,
			    bool missing)
{
	const char *wrong = NULL;
	struct sfshm_save save;
	int r = ask_for(h, st, 0, &save);

	if (r == SFSHM_LEADER && !missing) {
		wrong = "the file in place does not serve";
	} else if (r == SFSHM_LEADER) {
		if (write(sfshm_save_fd(&save), TEXT, strlen(TEXT)) < 0 ||
		    sfshm_save_publish(&save))
			wrong = "the file cannot be saved";
	} else if (r != SFSHM_CACHED && r != SFSHM_AWAITED) {
		wrong = "the file is not to be had";
	}
	if (!wrong && !is_whole(st))
		wrong = "the file is not whole";
	if (!wrong && !is_alone(st))
		wrong = "a temporary file is left";
	unlink(file(st).path);
	rmdir(folder(st).path);
	return wrong;
}

/* The survivor's. */
static const char *finish(const struct stage *st, struct sfshm *h)
{
	return ask_once(st, h, true);
}

/* The same where the file is in place: nobody writes it anew. */
static const char *finish_present(const struct stage *st, struct sfshm *h)
{
	return ask_once(st, h, false);
}

/*
 * The same where the file of before serves: what is left beside it stays until
 * somebody saves the next one.
 */
static const char *finish_again(const struct stage *st, struct sfshm *h)
{
	struct sfshm_save save;

	if (!is_alone(st) &&
	    (ask_for(h, st, SFSHM_SAVE_AGAIN, &save) != SFSHM_LEADER ||
	     write(sfshm_save_fd(&save), TEXT, strlen(TEXT)) < 0 ||
	     sfshm_save_publish(&save)))
		return "the file cannot be saved again";
	return finish(st, h);
}

const struct scenario save_scenarios[] = {
	{
		.name = "save: begin",
		.key = A_KEY,
		.prepare = warm,
		.operate = op_begin,
		.finish = finish,
		.flags = NO_COPIES,
	},
	{
		.name = "save: begin, files have names",
		.key = A_KEY,
		.prepare = warm_named,
		.operate = op_begin,
		.finish = finish,
		.flags = NO_COPIES,
	},
	{
		.name = "save: begin after a writer's death",
		.key = A_KEY,
		.prepare = writer_died,
		.operate = op_begin,
		.finish = finish,
		.flags = NO_COPIES,
	},
	{
		.name = "save: begin after a writer's death, files have names",
		.key = A_KEY,
		.prepare = named_writer_died,
		.operate = op_begin,
		.finish = finish,
		.flags = NO_COPIES,
	},
	{
		.name = "save: adopt a dead writer's file",
		.key = A_KEY,
		.prepare = writer_died_linked,
		.operate = op_present,
		.finish = finish_present,
		.flags = NO_COPIES,
	},
	{
		.name = "save: look announces a dead writer's file",
		.key = A_KEY,
		.prepare = writer_died_linked,
		.operate = op_look,
		.finish = finish_present,
		.flags = NO_COPIES,
	},
	{
		.name = "save: publish",
		.key = A_KEY,
		.prepare = write_it,
		.operate = publish,
		.finish = finish,
		.flags = NO_COPIES,
	},
	{
		.name = "save: publish, files have names",
		.key = A_KEY,
		.prepare = write_named,
		.operate = publish,
		.finish = finish,
		.flags = NO_COPIES,
	},
	{
		.name = "save: publish in place of an older one",
		.key = A_KEY,
		.prepare = write_again,
		.operate = publish,
		.finish = finish_again,
		.flags = NO_COPIES,
	},
	{
		.name = "save: abort",
		.key = A_KEY,
		.prepare = write_it,
		.operate = op_abort,
		.finish = finish,
		.flags = NO_COPIES,
	},
	{
		.name = "save: fail, files have names",
		.key = A_KEY,
		.prepare = write_named,
		.operate = op_fail,
		.finish = finish,
		.flags = NO_COPIES,
	},
	{ .name = NULL },
};
