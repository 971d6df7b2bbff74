/* SPDX-License-Identifier: MIT */
#include "lane.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

static pthread_t thread;
static bool running;
static sem_t wanted, done;
static void (*task)(const struct input_step *s); /* NULL: end */
static const struct input_step *argument;
static __thread bool second;

static void *serve(void *unused)
{
	second = true;
	for (;;) {
		while (sem_wait(&wanted))
			;
		if (!task)
			return unused;
		task(argument);
		sem_post(&done);
	}
}

void lane_run(void (*operation)(const struct input_step *s),
	      const struct input_step *s)
{
	task = operation;
	argument = s;
	if (!running) {
		sem_init(&wanted, 0, 0);
		sem_init(&done, 0, 0);
		if (pthread_create(&thread, NULL, serve, NULL))
			abort();
		running = true;
	}
	sem_post(&wanted);
	while (sem_wait(&done))
		;
}

void lane_end(void)
{
	if (!running)
		return;
	task = NULL;
	sem_post(&wanted);
	pthread_join(thread, NULL);
	running = false;
}

bool lane_is_second(void)
{
	return second;
}
