/* SPDX-License-Identifier: MIT */
/*
 * A call that opens or makes a segment and fails leaves one line in the
 * caller's buffer: for wrong arguments, and whichever system call is denied.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <sfshm/resize.h>

#include "crowd.h"
#include "testing.h"

static char why[256];
static const struct sfshm_options wish = {
	.size = sizeof(wish),
	.flags = SFSHM_CREATE,
	.slots = 64,
	.bytes = 65536,
	.why = why,
	.why_size = sizeof(why),
};

/* What an earlier call left must not pass for this one's line. */
static const char stale[] = "stale";

static void says_why(int r, const char *call, int denied)
{
	bool told = r >= 0 ||
		    (why[0] && strcmp(why, stale) != 0 && !strchr(why, '\n'));

	if (!told)
		fprintf(stderr, "# %s, system call %d denied: %d, \"%s\"\n",
			call, denied, r, why);
	demand(told);
	memcpy(why, stale, sizeof(stale));
}

static int try_open(const char *name)
{
	struct sfshm *h = NULL;
	int r = sfshm_open(&h, name, &wish);

	if (h)
		demand(sfshm_close(h) == 0 || r < 0);
	return r;
}

static int try_shared(const char *name)
{
	return sfshm_shared(name, &wish) ? 0 : -1;
}

static int try_descriptor(int fd)
{
	struct sfshm *h;
	int r = sfshm_open_fd(&h, fd, &wish);

	if (!r)
		demand(sfshm_close(h) == 0);
	return r;
}

static int try_view(const char *name)
{
	struct sfshm_view *v = NULL;
	int r = sfshm_view_open(&v, name, why, sizeof(why));

	sfshm_view_close(v);
	return r;
}

static int try_resize(const char *name)
{
	struct sfshm_options bigger = wish;

	bigger.slots = 128;
	return sfshm_resize(name, &bigger, 1, NULL, NULL);
}

/* The segment that is made while the call is denied. */
static void fresh_name(char name[80], int denied)
{
	snprintf(name, 80, "%s-%d", segment, denied);
}

/* Returns how many of the calls failed. Each call is made whatever fails. */
static int all_calls(int denied)
{
	char fresh[80];
	int failed = 0, r;

	fresh_name(fresh, denied);
#define TRY(name, call)                    \
	do {                               \
		r = (call);                \
		says_why(r, name, denied); \
		failed += r < 0;           \
	} while (0)
	TRY("open", try_open(segment));
	TRY("make", try_open(fresh));
	TRY("shared", try_shared(segment));
	TRY("view", try_view(segment));
	TRY("memfd", sfshm_memfd("test", &wish));
	if (r >= 0)
		TRY("open_fd", try_descriptor(r));
	TRY("resize", try_resize(segment));
	return failed;
}

/* From now on the kernel refuses the call. */
static void deny(int number, int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};

	demand(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	demand(!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

static const int calls[] = {
	SYS_openat,     SYS_newfstatat, SYS_fstat,
	SYS_statfs,     SYS_fstatfs,    SYS_mmap,
	SYS_fcntl,      SYS_ftruncate,  SYS_fallocate,
	SYS_madvise,    SYS_linkat,     SYS_flock,
	SYS_pread64,    SYS_pwrite64,   SYS_read,
	SYS_readlinkat, SYS_unlinkat,   SYS_renameat2,
	SYS_fchmod,     SYS_fchown,     SYS_statx,
	SYS_getrandom,  SYS_prctl,      SYS_memfd_create,
	SYS_ioctl,      SYS_munmap,     SYS_get_robust_list,
#ifdef SYS_open
	SYS_open,       SYS_stat,       SYS_lstat,
	SYS_link,       SYS_readlink,   SYS_unlink,
	SYS_rename,
#endif
};

static void denied_call(int which, void *failed)
{
	deny(calls[which], which % 2 ? EPERM : ENOSYS);
	fetch_add_acq_rel((int *)failed, all_calls(calls[which]));
}

static void whatever_the_kernel_refuses(void **state)
{
	int *failed = shared_memory(sizeof(*failed));
	struct sfshm *h;

	(void)state;
	/* The sanitizers make such calls themselves. */
	if (UNDER_ASAN || UNDER_TSAN)
		skip();
	h = segment_open(NULL);
	for (int i = 0; i < (int)(sizeof(calls) / sizeof(calls[0])); i++) {
		char fresh[80];

		assert_int_equal(
			child_gone(child_start(denied_call, i, failed)), 0);
		fresh_name(fresh, calls[i]);
		(void)!sfshm_unlink(fresh);
	}
	/* The filter did its work. */
	assert_in_range(*failed, 20, 1000);
	assert_int_equal(sfshm_close(h), 0);
}

/* No robust mutexes: the line says so. */
static void no_robust_lists(int unused, void *arg)
{
	(void)unused;
	(void)arg;
	deny(SYS_get_robust_list, ENOSYS);
	demand(try_open(segment) == -ENOSYS);
	demand(strstr(why, "get_robust_list"));
}

static void where_robust_mutexes_do_not_work(void **state)
{
	(void)state;
	assert_int_equal(child_gone(child_start(no_robust_lists, 0, NULL)), 0);
}

static void wrong_arguments(void **state)
{
	char longest[5000];
	struct sfshm_options odd = wish;
	struct sfshm *h;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	memcpy(why, stale, sizeof(stale));
	says_why(try_open("no such name"), "blanks", 0);
	says_why(try_open(longest), "long", 0);
	says_why(try_shared("no such name"), "shared", 0);
	says_why(try_open("/no/such/folder/segment"), "folder", 0);
	says_why(try_open("/dev/null"), "device", 0);
	says_why(try_view("no-such-segment"), "view", 0);
	says_why(try_view(longest), "long view", 0);
	says_why(try_resize("no-such-segment"), "resize", 0);
	says_why(try_resize("no such name"), "resize", 0);
	says_why(try_descriptor(open("/dev/null", O_RDONLY)), "null", 0);
	says_why(try_descriptor(1000000), "no descriptor", 0);
	says_why(try_descriptor(-1), "-1", 0);
	odd.mode = 07777;
	says_why(sfshm_open(&h, segment, &odd), "mode", 0);
	says_why(sfshm_memfd(NULL, &odd), "memfd's mode", 0);
	odd = wish;
	odd.flags = ~UINT32_C(0);
	says_why(sfshm_open(&h, segment, &odd), "flags", 0);
	odd = wish;
	odd.slots = UINT32_MAX;
	says_why(sfshm_open(&h, segment, &odd), "slots", 0);
	odd = wish;
	odd.flags = 0;
	says_why(sfshm_open(&h, segment, &odd), "missing", 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		/* Before the process has looked at its mutexes. */
		in_segment(where_robust_mutexes_do_not_work),
		in_segment(whatever_the_kernel_refuses),
		in_segment(wrong_arguments),
	};

	return test_main(tests);
}
