/* SPDX-License-Identifier: MIT */
/*
 * For C++17: results that free themselves; flights that are released on every
 * way out of their block, exceptions included; and work that may throw.
 *
 *	sfshmxx::policy policy;
 *	sfshmxx::result result;
 *	sfshmxx::flight flight;
 *
 *	int r = flight.begin(handle, "key", &policy, result);
 *	if (r == SFSHM_LEADER)
 *		r = flight.publish(render());   // may throw
 *
 * Nothing here throws by itself: the calls return what the C calls return. All
 * of it is inline, on top of the C interface. The namespace is sfshmxx because
 * the C handle's type is already named sfshm.
 */
#ifndef SFSHM_GUARD_HPP
#define SFSHM_GUARD_HPP

#include <cerrno>
#include <exception>
#include <string_view>
#include <type_traits>

#ifdef __GLIBCXX__
#include <cxxabi.h>
#endif

#include <sfshm/do.h>
#include <sfshm/flight.h>
#include <sfshm/result.h>

namespace sfshmxx
{

/* struct sfshm_policy with all defaults and its size set. */
struct policy : sfshm_policy {
	policy() noexcept : sfshm_policy()
	{
		size = sizeof(sfshm_policy);
	}
};

/* struct sfshm_result. The bytes of value() are valid until a call uses the
   result again. */
class result
{
      public:
	result() noexcept
	{
		c_.size = sizeof(c_);
	}
	~result()
	{
		sfshm_result_clear(&c_);
	}
	result(const result &) = delete;
	result &operator=(const result &) = delete;
	result(result &&other) noexcept : c_(other.c_)
	{
		other.c_ = {};
		other.c_.size = sizeof(other.c_);
	}
	result &operator=(result &&other) noexcept
	{
		if (this != &other) {
			sfshm_result_clear(&c_);
			c_ = other.c_;
			other.c_ = {};
			other.c_.size = sizeof(other.c_);
		}
		return *this;
	}

	std::string_view value() const noexcept
	{
		return { static_cast<const char *>(c_.value.data),
			 c_.value.data ? c_.value.len : 0 };
	}
	const char *message() const noexcept
	{
		return c_.message;
	}
	int code() const noexcept
	{
		return c_.code;
	}
	bool stale() const noexcept
	{
		return c_.stale;
	}
	bool coordinated() const noexcept
	{
		return c_.coordinated;
	}
	/* The C struct, for the fields without an accessor. */
	struct sfshm_result *get() noexcept
	{
		return &c_;
	}
	const struct sfshm_result *get() const noexcept
	{
		return &c_;
	}

      private:
	struct sfshm_result c_ {
	};
};

/*
 * A flight that the caller leads. It belongs to the thread that began it, or
 * with SFSHM_DETACHED to the process. A program cannot copy or move it. The
 * destructor releases the flight unless it has ended.
 */
class flight
{
      public:
	flight() noexcept = default;
	~flight()
	{
		sfshm_flight_cleanup(&c_);
	}
	flight(const flight &) = delete;
	flight &operator=(const flight &) = delete;

	/* sfshm_begin(). First releases an earlier flight unless it ended. */
	int begin(struct sfshm *handle, std::string_view key,
		  const struct sfshm_policy *policy,
		  result &res) noexcept(false)
	{
		sfshm_flight_cleanup(&c_);
		return sfshm_begin(handle, key.data(), key.size(), policy, &c_,
				   res.get());
	}
	int publish(std::string_view value) noexcept
	{
		return sfshm_publish(&c_, value.data(), value.size());
	}
	int fail(int code, const char *message = nullptr) noexcept
	{
		return sfshm_fail(&c_, code, message);
	}
	int release() noexcept
	{
		return sfshm_release(&c_);
	}
	int extend(uint32_t ms) noexcept
	{
		return sfshm_extend(&c_, ms);
	}
	int abandoned() const noexcept
	{
		return sfshm_abandoned(&c_);
	}
	uint64_t generation() const noexcept
	{
		return sfshm_flight_generation(&c_);
	}
	struct sfshm_flight *get() noexcept
	{
		return &c_;
	}

      private:
	struct sfshm_flight c_ {
	};
};

/* How a flight ends if the work throws. */
enum class on_throw {
	release, /* one follower becomes the leader */
	fail, /* all get -EREMOTEIO with code -ECANCELED and a message: what()
		    of a std::exception, "unknown exception" for any other
		    exception, and "cancelled" if the thread is cancelled or
		    calls pthread_exit() */
};

namespace detail
{
template <class Work> struct call {
	Work &work;
	on_throw how;

	static int run(struct sfshm_flight *f, void *arg)
	{
		auto *self = static_cast<call *>(arg);

		if (self->how == on_throw::release)
			return self->work(f);
		try {
			return self->work(f);
		} catch (const std::exception &e) {
			(void)!sfshm_fail(f, -ECANCELED, e.what());
			throw;
#ifdef __GLIBCXX__
		} catch (abi::__forced_unwind &) {
			/* Cancellation, which must go on. */
			(void)!sfshm_fail(f, -ECANCELED, "cancelled");
			throw;
#endif
		} catch (...) {
			(void)!sfshm_fail(f, -ECANCELED, "unknown exception");
			throw;
		}
	}
};
} // namespace detail

/*
 * sfshm_do() with any callable `int work(struct sfshm_flight *)`. With glibc
 * the work may throw: the flight ends as `how` says, and the exception goes on
 * to the caller. With musl no exception may leave the work.
 */
template <class Work>
int run(struct sfshm *handle, std::string_view key,
	const struct sfshm_policy *policy, Work &&work, result &res,
	on_throw how = on_throw::release)
{
	detail::call<std::remove_reference_t<Work>> c{ work, how };

	return sfshm_do(handle, key.data(), key.size(), policy, c.run, &c,
			res.get());
}

} // namespace sfshmxx

#endif
