/* SPDX-License-Identifier: MIT */
#include "key.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/complain.h"

/* A space, a hash sign and the digits of 128 bits. */
#define HASH_LEN 34
/* The digits of 64 bits. */
#define HASH64_LEN 16

static void put_word(FILE *to, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_%+:,./-";

	if (*word && strspn(word, plain) == strlen(word)) {
		fputs(word, to);
		return;
	}
	putc('\'', to);
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", to);
		else
			putc(*word, to);
	putc('\'', to);
}

/* A variable that is not set adds nothing. */
static void put_variable(FILE *to, const char *name)
{
	const char *value = getenv(name);

	if (!value)
		return;
	putc(' ', to);
	put_word(to, name);
	putc('=', to);
	put_word(to, value);
}

/* Returns 0 or errno. */
static int put_file(FILE *to, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno;
	fputs(" <", to);
	put_word(to, path);
	fprintf(to, "@%jd.%09ld+%jd", (intmax_t)st.st_mtim.tv_sec,
		st.st_mtim.tv_nsec, (intmax_t)st.st_size);
	return 0;
}

static int put_parts(FILE *to, const struct options *options, bool files)
{
	for (unsigned i = 0; i < options->part_count; i++) {
		const struct options_part *part = &options->parts[i];
		int r = 0;

		if (part->is_file != files)
			continue;
		if (files)
			r = put_file(to, part->name);
		else
			put_variable(to, part->name);
		if (!r)
			continue;
		complain("--input %s: %s", part->name, strerror(r));
		return RUN_EXIT_FAILURE;
	}
	return -1;
}

/* Returns -1, or a status to exit with after a complaint. */
static int put_key(FILE *to, const struct options *options)
{
	char cwd[PATH_MAX];
	int status;

	if (!options->command_key) {
		fwrite(options->key, 1, options->key_len, to);
	} else if (getcwd(cwd, sizeof(cwd))) {
		put_word(to, cwd);
		putc('$', to);
	} else {
		complain("-K: the working directory: %s; change to another one",
			 strerror(errno));
		return RUN_EXIT_FAILURE;
	}
	status = put_parts(to, options, false);
	for (char **word = options->command;
	     status < 0 && options->command_key && *word; word++) {
		putc(' ', to);
		put_word(to, *word);
	}
	return status < 0 ? put_parts(to, options, true) : status;
}

/* Copies the text, or its beginning and a hash. Returns the length. */
static size_t shorten(char *buffer, const char *text, size_t len)
{
	XXH128_hash_t hash;
	char end[HASH_LEN + 1];

	if (len <= SFSHM_KEY_MAX) {
		memcpy(buffer, text, len);
		return len;
	}
	hash = XXH3_128bits(text, len);
	snprintf(end, sizeof(end), " #%016" PRIx64 "%016" PRIx64, hash.high64,
		 hash.low64);
	memcpy(buffer, text, SFSHM_KEY_MAX - HASH_LEN);
	memcpy(buffer + SFSHM_KEY_MAX - HASH_LEN, end, HASH_LEN);
	return SFSHM_KEY_MAX;
}

int key_make(struct options *options, char *buffer)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to;
	int status;

	if (!options->command_key && !options->part_count)
		return -1;
	to = open_memstream(&text, &len);
	status = to ? put_key(to, options) : RUN_EXIT_FAILURE;
	if (!to || fclose(to)) {
		complain("no memory for the key");
		status = RUN_EXIT_FAILURE;
	}
	if (status < 0) {
		options->key_len = shorten(buffer, text, len);
		options->key = buffer;
	}
	free(text);
	return status;
}

size_t key_beside(const struct options *options, const char *name, char *buffer)
{
	size_t len = options->key_len, end = strlen(name) + 1;
	char digits[HASH64_LEN + 1];

	memcpy(buffer, options->key, len);
	if (len + end > SFSHM_KEY_MAX) {
		snprintf(digits, sizeof(digits), "%016" PRIx64,
			 (uint64_t)XXH3_64bits(buffer, len));
		len = SFSHM_KEY_MAX - end;
		memcpy(buffer + len - HASH64_LEN, digits, HASH64_LEN);
	}
	buffer[len] = '\0';
	memcpy(buffer + len + 1, name, end - 1);
	return len + end;
}
