/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-Q10: A loop that cannot poll a descriptor connects to a socket of its
 * queue, and is told by a byte. Only the process itself may connect.
 */
#include "queue.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
static int loop = -1;

static int socket_setup(void **state)
{
	snprintf(path, sizeof(path), "/dev/shm/%s.socket", segment);
	return queue_setup(state);
}

static int socket_teardown(void **state)
{
	if (loop >= 0)
		close(loop);
	loop = -1;
	return queue_teardown(state);
}

#define with_socket(f) \
	cmocka_unit_test_setup_teardown(f, socket_setup, socket_teardown)

static int to_path(int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(name.sun_path, path, strlen(path));
	if (fd >= 0 && call(fd, (struct sockaddr *)&name, sizeof(name)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool exists(void)
{
	return access(path, F_OK) == 0;
}

static void make_connection(void)
{
	assert_int_equal(sfshm_queue_listen(queue, path), 0);
	if (loop >= 0)
		close(loop);
	loop = to_path(connect);
	assert_true(loop >= 0);
	assert_int_equal(sfshm_queue_accept(queue), 0);
	assert_false(exists());
}

/* Whether the socket has a byte now, or within so many ms. Reads it. */
static bool rung(int ms)
{
	struct pollfd fd = { .fd = loop, .events = POLLIN };
	char byte;

	return poll(&fd, 1, ms) == 1 && read(loop, &byte, 1) == 1;
}

static void finish_next(void)
{
	struct sfshm_wait wait;

	while (sfshm_queue_next(queue, &wait) == 0)
		assert_true(rung(PATIENCE_MS));
	assert_int_equal(finish(&wait), SFSHM_AWAITED);
	assert_value("value");
}

static void by_a_byte_for_waits_that_are_over(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm_wait wait;
	struct stat st;

	(void)state;
	assert_int_equal(sfshm_queue_accept(queue), -EINVAL);
	assert_int_equal(sfshm_queue_listen(queue, path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0600);
	assert_int_equal(sfshm_queue_accept(queue), -EAGAIN);
	make_connection();
	for (int i = 0; i < 3; i++) {
		agent_expect(leader, "leader", "begin key");
		assert_int_equal(begin("key", NULL, &wait), -EINPROGRESS);
		assert_int_equal(begin("key", NULL, &wait), -EINPROGRESS);
		assert_false(rung(0));
		agent_expect(leader, "ok", "publish value");
		finish_next();
		finish_next();
		assert_int_equal(sfshm_queue_next(queue, &wait), 0);
		while (rung(0))
			;
	}
	assert_false(readable(0));
	assert_sound(h);
}

static void of_waits_from_before_the_connection(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(leader, "leader", "begin key");
	assert_int_equal(begin("key", NULL, &wait), -EINPROGRESS);
	agent_expect(leader, "ok", "publish value");
	assert_true(readable(PATIENCE_MS));
	make_connection();
	assert_true(rung(PATIENCE_MS));
	assert_int_equal(sfshm_queue_next(queue, &wait), 1);
	assert_int_equal(finish(&wait), SFSHM_AWAITED);
}

static void over_a_new_connection(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm_wait wait;

	(void)state;
	make_connection();
	for (int i = 0; i < 3; i++) {
		agent_expect(leader, "leader", "begin key");
		assert_int_equal(begin("key", NULL, &wait), -EINPROGRESS);
		close(loop);
		loop = -1;
		agent_expect(leader, "ok", "publish value");
		while (sfshm_queue_next(queue, &wait) == 0)
			sched_yield();
		make_connection();
		assert_int_equal(finish(&wait), SFSHM_AWAITED);
	}
	agent_expect(leader, "leader", "begin key");
	assert_int_equal(begin("key", NULL, &wait), -EINPROGRESS);
	agent_expect(leader, "ok", "publish value");
	assert_true(rung(PATIENCE_MS));
}

static void without_a_signal_if_the_loop_is_gone(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm_wait wait;

	(void)state;
	make_connection();
	agent_expect(leader, "leader", "begin key");
	assert_int_equal(begin("key", NULL, &wait), -EINPROGRESS);
	close(loop);
	loop = -1;
	/* This thread tells of the wait; SIGPIPE would end the process. */
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(sfshm_queue_next(queue, &wait), 1);
	assert_int_equal(finish(&wait), -ESHUTDOWN);
	agent_expect(leader, "ok", "publish value");
	h = segment_open(NULL);
}

static void of_this_process_alone(void **state)
{
	int status = -1;
	pid_t pid;

	(void)state;
	assert_int_equal(sfshm_queue_listen(queue, path), 0);
	pid = fork();
	if (!pid) {
		char byte;
		int fd = to_path(connect);

		demand(sfshm_queue_listen(queue, path) == -ECHILD);
		demand(sfshm_queue_accept(queue) == -ECHILD);
		demand(sfshm_queue_close(queue) == 0);
		demand(fd >= 0 && exists());
		/* Its parent closes this connection. */
		demand(read(fd, &byte, 1) <= 0);
		_exit(0);
	}
	assert_true(eventually(sfshm_queue_accept(queue) == -EAGAIN &&
			       waitpid(pid, &status, WNOHANG) == pid));
	assert_int_equal(status, 0);
	loop = to_path(connect);
	assert_int_equal(sfshm_queue_accept(queue), 0);
	assert_int_equal(sfshm_queue_accept(queue), -EINVAL);
}

/* Another queue looks whether somebody listens; another process's path
   stays. */
static void whoever_else_comes_to_the_path(void **state)
{
	struct sfshm_queue *second;
	int other;

	(void)state;
	assert_int_equal(sfshm_queue_open(&second), 0);
	assert_int_equal(sfshm_queue_listen(queue, path), 0);
	assert_int_equal(sfshm_queue_listen(second, path), -EADDRINUSE);
	assert_int_equal(sfshm_queue_accept(queue), -EAGAIN);
	assert_true(exists());
	unlink(path);
	other = to_path(bind);
	assert_true(other >= 0);
	assert_int_equal(sfshm_queue_close(queue), 0);
	assert_true(exists());
	close(other);
	unlink(path);
	queue = second;
}

static void where_nothing_else_lies(void **state)
{
	char longer[200];
	int other;

	(void)state;
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = 0;
	assert_int_equal(sfshm_queue_listen(queue, longer), -ENAMETOOLONG);
	assert_int_equal(sfshm_queue_listen(queue, ""), -EINVAL);
	assert_int_equal(sfshm_queue_listen(queue, NULL), -EINVAL);
	assert_int_equal(sfshm_queue_listen(NULL, path), -EINVAL);
	assert_int_equal(sfshm_queue_accept(NULL), -EINVAL);

	other = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_int_equal(sfshm_queue_listen(queue, path), -EADDRINUSE);
	assert_true(exists());
	close(other);
	unlink(path);

	other = to_path(bind);
	assert_int_equal(listen(other, 1), 0);
	assert_int_equal(sfshm_queue_listen(queue, path), -EADDRINUSE);
	/* As if the process had died. */
	close(other);
	assert_true(exists());
	make_connection();

	assert_int_equal(sfshm_queue_listen(queue, path), 0);
	assert_int_equal(sfshm_queue_listen(queue, path), 0);
	assert_int_equal(sfshm_queue_close(queue), 0);
	assert_false(exists());
	assert_int_equal(sfshm_queue_open(&queue), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		with_socket(by_a_byte_for_waits_that_are_over),
		with_socket(of_waits_from_before_the_connection),
		with_socket(over_a_new_connection),
		with_socket(without_a_signal_if_the_loop_is_gone),
		with_socket(of_this_process_alone),
		with_socket(whoever_else_comes_to_the_path),
		with_socket(where_nothing_else_lies),
	};

	return test_main(tests);
}
