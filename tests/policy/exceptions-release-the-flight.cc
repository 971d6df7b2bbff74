/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-G1, PROMISE-G3, PROMISE-G4, PROMISE-C17: a C++ exception that leaves
 * the work, or a block with a guarded flight, ends the flight on its way.
 * Followers lead, or get the cause, as the leader chose. Cancellation unwinds
 * in the same way.
 */
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sfshm.h>
#include <sfshm/guard.hpp>

namespace
{

struct sfshm *handle;
int number;
bool failed;

void check(bool is, const char *what)
{
	std::printf("%s %d - %s\n", is ? "ok" : "not ok", ++number, what);
	failed |= !is;
}

/* A bound for what is sure to come. */
template <class Condition> bool eventually(Condition condition)
{
	for (int i = 0; i < 30000 && !condition(); i++)
		usleep(1000);
	return condition();
}

/* Somebody who asks while the work is on. */
class follower
{
      public:
	void start(const char *key)
	{
		thread_ = std::thread([this, key] {
			sfshmxx::result res;
			sfshmxx::flight flight;

			outcome = flight.begin(handle, key, nullptr, res);
			code = res.code();
			if (outcome == -EREMOTEIO)
				message = res.message();
		});
	}
	void join()
	{
		thread_.join();
	}

	int outcome = -1, code = 0;
	std::string message;

      private:
	std::thread thread_;
};

struct outrage : std::runtime_error {
	using std::runtime_error::runtime_error;
};

bool awaited(struct sfshm_flight *f)
{
	return eventually([f] { return sfshm_flight_waiters(f) == 1; });
}

void through_the_work(const char *key, sfshmxx::on_throw how, follower &other)
{
	sfshmxx::result res;
	bool caught = false;

	try {
		sfshmxx::run(
			handle, key, nullptr,
			[&](struct sfshm_flight *f) -> int {
				other.start(key);
				if (!awaited(f))
					std::abort();
				throw outrage("the roof is on fire");
			},
			res, how);
	} catch (const outrage &) {
		caught = true;
	}
	check(caught, "the exception reaches the caller");
	other.join();
}

void who_waits_leads()
{
	follower other;

	through_the_work("release", sfshmxx::on_throw::release, other);
	check(other.outcome == SFSHM_LEADER, "who waited leads");
}

void who_waits_gets_the_cause()
{
	follower other;

	through_the_work("fail", sfshmxx::on_throw::fail, other);
	check(other.outcome == -EREMOTEIO && other.code == -ECANCELED &&
		      other.message == "the roof is on fire",
	      "who waited gets the cause");
}

/* Throws what is no std::exception, or cancels the thread, or leaves it. */
void throw_number()
{
	throw 42;
}

void cancel_self()
{
	pthread_cancel(pthread_self());
	pthread_testcancel();
}

void leave_the_thread()
{
	pthread_exit(nullptr);
}

void fails_with(const char *key, void (*leave)(), const char *message)
{
	follower other;
	bool passed = false;

	std::thread leader([&] {
		sfshmxx::result res;
		auto work = [&](struct sfshm_flight *f) -> int {
			other.start(key);
			if (!awaited(f))
				std::abort();
			leave();
			return 0;
		};

		try {
			sfshmxx::run(handle, key, nullptr, work, res,
				     sfshmxx::on_throw::fail);
		} catch (int n) {
			passed = n == 42;
		}
	});
	leader.join();
	other.join();
	check(other.outcome == -EREMOTEIO && other.code == -ECANCELED &&
		      other.message == message,
	      message);
	check(passed == (leave == throw_number), "what was thrown goes on");
}

void who_waits_learns_of_anything_thrown()
{
	fails_with("number", throw_number, "unknown exception");
	fails_with("cancelled", cancel_self, "cancelled");
	fails_with("left", leave_the_thread, "cancelled");
}

/* Plain C on both sides of the exception but for the guard in between. */
int throw_plainly(struct sfshm_flight *, void *)
{
	throw 42;
}

void through_the_c_call()
{
	sfshmxx::result res;
	int caught = 0;

	try {
		(void)!sfshm_do(handle, "plain", 5, nullptr, throw_plainly,
				nullptr, res.get());
	} catch (int n) {
		caught = n;
	}
	check(caught == 42, "any exception passes sfshm_do()");

	sfshmxx::policy none;
	sfshmxx::flight flight;
	sfshmxx::result mine;

	none.flags = SFSHM_TRY;
	check(flight.begin(handle, "plain", &none, mine) == SFSHM_LEADER,
	      "and leaves nobody in the lead");
}

void out_of_a_block()
{
	follower other;

	try {
		sfshmxx::flight flight;
		sfshmxx::result res;

		if (flight.begin(handle, "block", nullptr, res) != SFSHM_LEADER)
			std::abort();
		other.start("block");
		if (!awaited(flight.get()))
			std::abort();
		throw outrage("out");
	} catch (const outrage &) {
	}
	other.join();
	check(other.outcome == SFSHM_LEADER,
	      "a guarded flight ends with its block");
}

void an_ended_flight_is_left_alone()
{
	sfshmxx::policy keep;
	sfshmxx::result res;

	keep.ttl_ms = SFSHM_FOREVER;
	{
		sfshmxx::flight flight;

		check(flight.begin(handle, "kept", &keep, res) ==
				      SFSHM_LEADER &&
			      flight.publish("value") == 0,
		      "a guarded flight can be published");
		check(flight.begin(handle, "kept", &keep, res) ==
				      SFSHM_CACHED &&
			      res.value() == "value",
		      "the result shows the value");
	}
	sfshmxx::result moved(std::move(res));

	check(moved.value() == "value" && res.value().empty(),
	      "a result can be moved");
	res = std::move(moved);
	check(res.value() == "value", "and back");
}

std::atomic<bool> leading, unwound;

void *lead_until_cancelled(void *)
{
	struct tell {
		~tell()
		{
			unwound = true;
			/* The flight is over before the thread is. */
			follower other;

			other.start("cancel");
			other.join();
			check(other.outcome == SFSHM_LEADER,
			      "cancellation ends it while it unwinds");
		}
	} after;
	sfshmxx::flight flight;
	sfshmxx::result res;

	if (flight.begin(handle, "cancel", nullptr, res) != SFSHM_LEADER)
		std::abort();
	leading = true;
	/* As cancellable_nap() of tests/lib/testing.h. */
	for (;;) {
		syscall(SYS_sched_yield);
		pthread_testcancel();
	}
	return nullptr;
}

void by_cancellation()
{
	pthread_t thread;

	pthread_create(&thread, nullptr, lead_until_cancelled, nullptr);
	eventually([] { return leading.load(); });
	pthread_cancel(thread);
	pthread_join(thread, nullptr);
	check(unwound, "a cancelled thread unwinds");
}

} // namespace

int main()
{
	struct sfshm_options options {
	};
	std::string name = "test-cxx-" + std::to_string(getpid());

	options.size = sizeof(options);
	options.flags = SFSHM_CREATE;
	if (sfshm_open(&handle, name.c_str(), &options))
		return 1;
	who_waits_leads();
	who_waits_gets_the_cause();
	who_waits_learns_of_anything_thrown();
	through_the_c_call();
	out_of_a_block();
	an_ended_flight_is_left_alone();
	by_cancellation();
	check(sfshm_verify(handle, nullptr, nullptr) == 0,
	      "the segment is sound");
	sfshm_close(handle);
	check(sfshm_unlink(name.c_str()) == 0, "and gone");
	std::printf("1..%d\n", number);
	return failed;
}
