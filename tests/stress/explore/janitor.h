/* SPDX-License-Identifier: MIT */
/*
 * The janitor comes when all is over: it attaches, reaps the dead, lets
 * sfshm_verify() look, and asks for every key (ORACLE-5). Built with the
 * library.
 */
#ifndef EXPLORE_JANITOR_H
#define EXPLORE_JANITOR_H

struct scenario;

/* In the janitor's fiber. */
void janitor_run(const struct scenario *s);

/* A process begins, with its memory in place. */
void janitor_introduce(unsigned int fiber);

#endif
