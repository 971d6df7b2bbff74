/* SPDX-License-Identifier: MIT */
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/atomics.h"
#include "os/hash.h"

static uint64_t *cookie_page;
static const uint64_t no_cookie;
const uint64_t *process_cookie_word = &no_cookie;

/*
 * The fork handler, for kernels without MADV_WIPEONFORK (before 4.14). A child
 * made by a bare clone() does not run it.
 */
static void wipe_in_child(void)
{
	if (cookie_page)
		store_relaxed(cookie_page, 0);
}

/*
 * Takes no lock, because a child that is forked meanwhile would find the lock
 * held for ever. If several threads make a page at once, one compare-and-swap
 * keeps one of the pages; the extra fork handlers do no harm. If memory is
 * short, the next call tries again.
 */
static void make_page(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return;
	if ((madvise(page, size, MADV_WIPEONFORK) &&
	     pthread_atfork(NULL, NULL, wipe_in_child)) ||
	    !cas_acq_rel(&cookie_page, NULL, page))
		munmap(page, size);
}

static uint64_t *page_or_null(void)
{
	if (unlikely(!load_acquire(&cookie_page)))
		make_page();
	return load_acquire(&cookie_page);
}

uint64_t process_cookie(void)
{
	uint64_t *page = page_or_null();
	uint64_t cookie;

	if (!page)
		return 0;
	/* Any thread may store this: the page's maker may have stopped. */
	if (unlikely(load_relaxed(&process_cookie_word) != page))
		store_release(&process_cookie_word, page);
	cookie = load_relaxed(page);
	if (unlikely(!cookie)) {
		cas_relaxed(page, 0, hash_random());
		cookie = load_relaxed(page);
	}
	return cookie;
}

static uint64_t inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

/*
 * A namespace's inode, cached for the process with that cookie. A process stays
 * in its PID namespace, and in its time namespace unless it calls setns(2); a
 * forked child may be in others.
 */
struct cached_inode {
	uint64_t inode, cookie;
};

static uint64_t inode_once(struct cached_inode *ns, const char *path)
{
	uint64_t cookie = process_cookie(), inode;

	if (cookie && load_acquire(&ns->cookie) == cookie)
		return load_relaxed(&ns->inode);
	inode = inode_of(path);
	store_relaxed(&ns->inode, inode);
	store_release(&ns->cookie, inode ? cookie : 0);
	return inode;
}

uint64_t process_pid_ns(void)
{
	static struct cached_inode ns;

	return inode_once(&ns, "/proc/self/ns/pid");
}

uint64_t process_time_ns(void)
{
	static struct cached_inode ns;

	return inode_once(&ns, "/proc/self/ns/time");
}

static int read_boot_id(char *text, size_t size)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT || errno == EACCES ? 0 : -errno;
	n = read(fd, text, size);
	close(fd);
	return n < 0 ? -EIO : (int)n;
}

/* Takes no lock, like make_page(): threads that race read the same id. */
int process_boot_id(uint8_t id[16])
{
	static uint64_t known[2];
	static uint32_t read_already;
	uint64_t h[2] = { 0 };
	char text[64] = "";
	int n;

	if (!load_acquire(&read_already)) {
		n = read_boot_id(text, sizeof(text));
		if (n < 0)
			return n;
		if (n > 0) {
			h[0] = hash_bytes(text, (size_t)n, 1);
			h[1] = hash_bytes(text, (size_t)n, 2);
		}
		store_relaxed(&known[0], h[0]);
		store_relaxed(&known[1], h[1]);
		store_release(&read_already, n > 0);
	}
	h[0] = load_relaxed(&known[0]);
	h[1] = load_relaxed(&known[1]);
	memcpy(id, h, sizeof(h));
	return 0;
}

void process_close(int fd)
{
	int state, ignored;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	close(fd);
	pthread_setcancelstate(state, &ignored);
}

pid_t process_tid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

int process_thread_gone(pid_t pid, pid_t tid)
{
	if (syscall(SYS_tgkill, pid, tid, 0) == 0 || errno != ESRCH)
		return 0;
	/* tgkill() has looked in one process; another may have the id. */
	return syscall(SYS_tkill, tid, 0) < 0 && errno == ESRCH;
}
