/* SPDX-License-Identifier: MIT */
#include "litmus.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weak.h"

#define WORDS 16
#define REGISTERS 10
#define STEPS 16
#define CHOICES 256
#define OUTCOMES 64
#define NAME 24

enum action {
	LOAD,
	STORE,
	CAS,
	ADD,
	OR,
	FENCE,
	IF,
	IF_NOT,
};

/* A number, a register, or a word. */
struct operand {
	enum {
		NUMBER,
		REGISTER,
		WORD,
	} kind;
	uint64_t value;
};

struct step {
	enum action action;
	unsigned int to; /* register */
	struct operand at, a, b;
	int order;
};

struct program {
	struct step steps[LITMUS_THREADS][STEPS];
	unsigned int count[LITMUS_THREADS];
	unsigned int threads;
	char words[WORDS][NAME];
	unsigned int word_count;
	uint64_t initial[WORDS];
};

static const struct {
	const char *name;
	int order;
	unsigned int parts;
} orders[] = {
	{ "rlx", __ATOMIC_RELAXED, 0 },
	{ "acq", __ATOMIC_ACQUIRE, ORDER_ACQUIRE },
	{ "rel", __ATOMIC_RELEASE, ORDER_RELEASE },
	{ "acq_rel", __ATOMIC_ACQ_REL, ORDER_ACQUIRE | ORDER_RELEASE },
	{ "seq", __ATOMIC_SEQ_CST, ORDER_ALL },
};

#define ORDERS (sizeof(orders) / sizeof(*orders))

/* The choices of a run: what was taken, of how many. */
static struct {
	unsigned int taken[CHOICES], of[CHOICES];
	unsigned int depth, known;
} choices;

static struct program program;
static uint64_t memory[WORDS], registers[REGISTERS];

static void __attribute__((noreturn)) malformed(const char *text)
{
	fprintf(stderr, "litmus: not understood: \"%s\"\n", text);
	abort();
}

/*
 * Reading programs.
 */

static const char *token(const char *text, char *out)
{
	size_t n = 0;

	text += strspn(text, " ");
	while (text[n] && !strchr(" ;,", text[n]))
		n++;
	if (n >= NAME)
		malformed(text);
	memcpy(out, text, n);
	out[n] = '\0';
	return text + n;
}

static struct operand operand(const char *name)
{
	unsigned int i;

	if (isdigit(name[0]))
		return (struct operand){ NUMBER, strtoul(name, NULL, 10) };
	if (name[0] == 'r' && isdigit(name[1]) && !name[2])
		return (struct operand){ REGISTER, (uint64_t)(name[1] - '0') };
	if (!isalpha(name[0]))
		malformed(name);
	for (i = 0; i < program.word_count; i++)
		if (strcmp(program.words[i], name) == 0)
			return (struct operand){ WORD, i };
	if (i == WORDS)
		malformed(name);
	memcpy(program.words[i], name, NAME);
	program.word_count++;
	return (struct operand){ WORD, i };
}

static const char *read_operand(const char *text, struct operand *out)
{
	char name[NAME] = "";

	text = token(text, name);
	*out = operand(name);
	return text;
}

static unsigned int parts_of(const char *name)
{
	for (unsigned int i = 0; i < ORDERS; i++)
		if (strcmp(orders[i].name, name) == 0)
			return orders[i].parts;
	malformed(name);
}

/* A load has nothing to release, a store nothing to acquire. */
static int order_from(unsigned int parts, enum action a)
{
	if (a == LOAD)
		parts &= ~ORDER_RELEASE;
	if (a == STORE)
		parts &= ~ORDER_ACQUIRE;
	if (parts & ORDER_SEQ)
		return __ATOMIC_SEQ_CST;
	for (unsigned int i = 0; i < ORDERS; i++)
		if (orders[i].parts == parts)
			return orders[i].order;
	return __ATOMIC_RELAXED;
}

/* "rel", or "rel/ORDER-F1" for a label. */
static const char *read_order(const char *text, const struct litmus_mode *mode,
			      struct step *s)
{
	char name[NAME] = "", *label;
	unsigned int parts;

	text = token(text, name);
	label = strchr(name, '/');
	if (label)
		*label++ = '\0';
	parts = parts_of(name);
	if (label && mode->label && strcmp(label, mode->label) == 0)
		parts &= mode->keep;
	s->order = order_from(parts, s->action);
	return text;
}

static const char *read_condition(const char *text, struct step *s)
{
	char relation[NAME];

	text = read_operand(text, &s->at);
	text = token(text, relation);
	if (strcmp(relation, "=") != 0 && strcmp(relation, "!=") != 0)
		malformed(text);
	s->action = relation[0] == '!' ? IF_NOT : IF;
	return read_operand(text, &s->a);
}

/* What follows "r0 = x". */
static const char *read_update(const char *text, struct step *s)
{
	char name[NAME] = "";
	const char *after = token(text, name);

	s->action = LOAD;
	if (strcmp(name, "cas") == 0)
		s->action = CAS;
	else if (strcmp(name, "add") == 0)
		s->action = ADD;
	else if (strcmp(name, "or") == 0)
		s->action = OR;
	else
		return text;
	after = read_operand(after, &s->a);
	return s->action == CAS ? read_operand(after, &s->b) : after;
}

static const char *read_step(const char *text, const struct litmus_mode *mode,
			     struct step *s)
{
	struct operand left;
	char name[NAME] = "";
	const char *after = token(text, name);

	if (strcmp(name, "if") == 0)
		return read_condition(after, s);
	if (strcmp(name, "fence") == 0) {
		s->action = FENCE;
		return read_order(after, mode, s);
	}
	left = operand(name);
	after = token(after, name);
	if (strcmp(name, "=") != 0)
		malformed(text);
	if (left.kind == REGISTER) {
		s->to = (unsigned int)left.value;
		after = read_operand(after, &s->at);
		after = read_update(after, s);
	} else {
		s->action = STORE;
		s->at = left;
		after = read_operand(after, &s->a);
	}
	return read_order(after, mode, s);
}

static void read_initial(const char *text)
{
	while (text && *text) {
		struct step s = { 0 };

		text = read_condition(text, &s);
		program.initial[s.at.value] = s.a.value;
		text += *text == ',';
	}
}

static void read_program(const struct litmus *l, const struct litmus_mode *mode)
{
	memset(&program, 0, sizeof(program));
	read_initial(l->initial);
	for (unsigned int t = 0; t < LITMUS_THREADS && l->threads[t]; t++) {
		const char *text = l->threads[t];
		unsigned int n = 0;

		for (;; n++) {
			if (n == STEPS)
				malformed(text);
			text = read_step(text, mode, &program.steps[t][n]);
			text += strspn(text, " ");
			if (!*text)
				break;
			if (*text++ != ';')
				malformed(text);
		}
		program.count[t] = n + 1;
		program.threads = t + 1;
	}
}

/*
 * Running them.
 */

static unsigned int choose(unsigned int n)
{
	unsigned int i = choices.depth++;

	if (i == CHOICES)
		malformed("too many choices");
	if (i == choices.known) {
		choices.known++;
		choices.taken[i] = 0;
		choices.of[i] = n;
	}
	return choices.taken[i];
}

/* Goes on to the next run; false if there is none. */
static bool advance(void)
{
	while (choices.known) {
		unsigned int last = choices.known - 1;

		if (++choices.taken[last] < choices.of[last])
			return true;
		choices.known--;
	}
	return false;
}

static uint64_t value_of(struct operand o)
{
	switch (o.kind) {
	case NUMBER: return o.value;
	case REGISTER: return registers[o.value];
	default: return memory[o.value];
	}
}

/* False: the thread ends. */
static bool do_step(unsigned int t, const struct step *s)
{
	uint64_t a = value_of(s->a), b = value_of(s->b);
	uint64_t *at = &memory[s->at.value], *to = &registers[s->to];

	switch (s->action) {
	case LOAD: *to = weak_load(t, at, 8, s->order); break;
	case STORE: weak_store(t, at, 8, a, s->order); break;
	case CAS:
		weak_cas(t, at, 8, a, b, s->order, __ATOMIC_RELAXED, to);
		break;
	case ADD: *to = weak_add(t, at, 8, a, s->order); break;
	case OR: *to = weak_or(t, at, 8, a, s->order); break;
	case FENCE:
		if (s->order != __ATOMIC_RELAXED)
			weak_fence(t, s->order);
		break;
	case IF: return value_of(s->at) == a;
	case IF_NOT: return value_of(s->at) != a;
	}
	return true;
}

static void run_once(void)
{
	unsigned int next[LITMUS_THREADS] = { 0 };

	memcpy(memory, program.initial, sizeof(memory));
	memset(registers, 0, sizeof(registers));
	weak_reset();
	for (;;) {
		unsigned int ready[LITMUS_THREADS], n = 0, t;

		for (t = 0; t < program.threads; t++)
			if (next[t] < program.count[t])
				ready[n++] = t;
		if (!n)
			return;
		t = ready[n > 1 ? choose(n) : 0];
		if (!do_step(t, &program.steps[t][next[t]]))
			next[t] = program.count[t];
		else
			next[t]++;
	}
}

/*
 * Judging them.
 */

/* Whether all conditions of one of the lists hold. */
static bool hold(const char *text)
{
	bool all = true;

	while (*text) {
		struct step s = { 0 };

		text = read_condition(text, &s);
		if ((value_of(s.at) == value_of(s.a)) != (s.action == IF))
			all = false;
		text += strspn(text, " ");
		if (*text != ',' && all)
			return true;
		if (*text == '|')
			all = true;
		text += *text != '\0';
	}
	return false;
}

static void show(const char *shown, char *out)
{
	while (*shown) {
		struct operand o;

		shown = read_operand(shown, &o);
		*out++ = (char)('0' + value_of(o));
		shown += strspn(shown, " ");
	}
	*out = '\0';
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static char found[OUTCOMES][NAME];
static unsigned int found_count;

static void note(const char *shown)
{
	char outcome[NAME] = "";

	show(shown, outcome);
	for (unsigned int i = 0; i < found_count; i++)
		if (strcmp(found[i], outcome) == 0)
			return;
	if (found_count == OUTCOMES)
		malformed("too many outcomes");
	memcpy(found[found_count++], outcome, NAME);
}

static void join_found(char *out, size_t size)
{
	size_t n = 0;

	qsort(found, found_count, NAME, compare);
	for (unsigned int i = 0; i < found_count && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%s", i ? " " : "",
				      found[i]);
}

void litmus_run(const struct litmus *l, const struct litmus_mode *mode,
		struct litmus_result *out)
{
	read_program(l, mode);
	memset(&choices, 0, sizeof(choices));
	memset(out, 0, sizeof(*out));
	found_count = 0;
	weak_choose = choose;
	weak_stores_anywhere = mode->anywhere;
	do {
		choices.depth = 0;
		run_once();
		out->runs++;
		if (l->shown)
			note(l->shown);
		if (l->never && hold(l->never))
			out->wrong = true;
	} while (advance());
	join_found(out->outcomes, sizeof(out->outcomes));
}

/* The name of the weakest order of the label's that goes well. */
static const char *weakest(const struct litmus *l, const char *label)
{
	struct litmus_mode mode = { .label = label, .anywhere = true };
	struct litmus_result r;

	for (unsigned int i = 0; i < ORDERS; i++) {
		mode.keep = orders[i].parts;
		litmus_run(l, &mode, &r);
		if (!r.wrong)
			return orders[i].name;
	}
	return "more";
}

void litmus_needs(const struct litmus *l, char *out, size_t size)
{
	const char *text = l->needs;
	size_t n = 0;

	while (*text && n < size) {
		char label[NAME];

		text = token(text, label);
		n += (size_t)snprintf(out + n, size - n, "%s%s %s",
				      n ? ", " : "", label, weakest(l, label));
		text += strcspn(text, ",");
		text += *text == ',';
	}
}
