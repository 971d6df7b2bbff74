/* SPDX-License-Identifier: MIT */
/*
 * Another user comes in only through the group, if both sides ask for that.
 * Deaths are then noticed between users as between processes of one user.
 */
#include <grp.h>
#include <sys/stat.h>

#include "agent.h"
#include "watch.h"

#define OWNER 0
#define MEMBER 54321
#define STRANGER 54322
#define GROUP 54323

static struct agent *agent_as(int user, int group)
{
	struct agent *a = agent_start_bare(0);

	agent_expect(a, "ok", "setuid %d %d", user, group);
	return a;
}

static struct agent *owner_with(const char *options)
{
	struct agent *a = agent_start_bare(0);

	agent_expect(a, "ok", "open %s %s", watch_path(), options);
	agent_expect(a, "leader", "begin value forever");
	agent_expect(a, "ok", "publish secret");
	return a;
}

/* Whatever the stranger asks for. */
static void is_refused(struct agent *a, const char *answer, const char *options)
{
	agent_expect(a, answer, "open %s existing %s", watch_path(), options);
	agent_expect(a, answer, "open %s %s", watch_path(), options);
}

/* The file's mode lets everybody read it; to attach is to write. */
static void reading_is_not_attaching(void **state)
{
	struct agent *a = agent_as(STRANGER, STRANGER);

	(void)state;
	owner_with("mode=0644");
	is_refused(a, "-EPERM", "");
	is_refused(a, "-EPERM", "mode=0644");
	is_refused(a, "-EACCES", "mode=0644 owner=0");
	agent_expect(a, "-EPERM", "unlink %s", watch_path());
	agent_expect(a, "-EPERM", "resize %s slots=32", watch_path());
	/* To look at it is to read. */
	agent_expect(a, "ok", "view %s", watch_path());
}

static void strangers_see_nothing_of_a_private_one(void **state)
{
	struct agent *a = agent_as(STRANGER, STRANGER);

	(void)state;
	owner_with("");
	is_refused(a, "-EPERM", "");
	is_refused(a, "-EACCES", "owner=0");
	agent_say(a, "view %s", watch_path());
	assert_string_not_equal(agent_hear(a), "ok");
	agent_expect(a, "-EPERM", "unlink %s", watch_path());
}

static void group_comes_in_if_both_ask(void **state)
{
	struct agent *member = agent_as(MEMBER, GROUP);
	struct agent *stranger = agent_as(STRANGER, STRANGER);

	(void)state;
	owner_with("mode=0660 group=54323");
	/* Each must say what it takes for right. */
	is_refused(member, "-EPERM", "");
	is_refused(member, "-EPERM", "mode=0660");
	is_refused(member, "-EPERM", "owner=0");
	is_refused(member, "-EPERM", "owner=0 mode=0660 group=54322");
	is_refused(stranger, "-EACCES", "owner=0 mode=0660");
	agent_expect(member, "ok",
		     "open %s existing owner=0 mode=0660 group=%d",
		     watch_path(), GROUP);
	agent_expect(member, "cached secret", "get value");
	agent_expect(member, "-EPERM", "unlink %s", watch_path());
}

/* Where a group may only read, it does not come in. */
static void group_that_may_read_does_not(void **state)
{
	struct agent *member = agent_as(MEMBER, GROUP);

	(void)state;
	owner_with("mode=0640 group=54323");
	is_refused(member, "-EACCES", "owner=0 mode=0640");
}

static struct agent *member_start(void)
{
	struct agent *a = agent_as(MEMBER, GROUP);

	agent_expect(a, "ok", "open %s existing owner=0 mode=0660",
		     watch_path());
	return a;
}

/* That one may not be asked for by a signal does not make it dead. */
static void lives_on(struct agent *leader, struct agent *a)
{
	agent_expect(leader, "leader", "begin key");
	agent_expect(a, "-ETIMEDOUT", "begin key timeout=300");
	agent_expect(leader, "ok", "publish first");
	assert_int_equal(watch_counter("suspects"), 0);
	assert_int_equal(watch_counter("owner_died"), 0);
}

/* The one that waits looks at the dead once, if at all. */
static void dies(struct agent *leader, struct agent *a, const char *death,
		 const char *at)
{
	uint64_t rechecks;

	agent_say(leader, "%sbegin key", at);
	agent_hear(leader);
	agent_say(a, "begin key");
	await_waiters("key", 1);
	if (death) {
		agent_say(leader, "%s%s", at, death);
		assert_true(eventually(agent_threads(leader) == 1));
	} else {
		agent_kill(leader);
	}
	rechecks = watch_counter("rechecks");
	agent_answers(a, "leader owner_died");
	assert_in_range(watch_counter("rechecks") - rechecks, 0, 1);
	agent_expect(a, "ok", "publish second");
	agent_expect(a, "0", "verify");
}

/* The kernel's mark, and where there is none the question for the thread. */
static void users_notice_each_others_deaths(void **state)
{
	struct agent *owner = owner_with("mode=0660 group=54323");
	struct agent *member = member_start();

	(void)state;
	lives_on(owner, member);
	lives_on(member, owner);
	dies(owner, member, "exec", "@t ");
	agent_kill(owner);
	owner = agent_start_bare(0);
	agent_expect(owner, "ok", "open %s mode=0660", watch_path());
	dies(member, owner, "exec", "@t ");
	agent_kill(member);
	member = member_start();
	dies(owner, member, NULL, "");
	owner = agent_start_bare(0);
	agent_expect(owner, "ok", "open %s mode=0660", watch_path());
	dies(member, owner, NULL, "");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(reading_is_not_attaching),
		in_segment(strangers_see_nothing_of_a_private_one),
		in_segment(group_comes_in_if_both_ask),
		in_segment(group_that_may_read_does_not),
		in_segment(users_notice_each_others_deaths),
	};

	if (geteuid() != 0)
		return skip_all("to become another user takes root");
	return test_main(tests);
}
