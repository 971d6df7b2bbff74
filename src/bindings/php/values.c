/* SPDX-License-Identifier: MIT */
/*
 * PHP values as bytes. A string is stored as it is, so that programs in other
 * languages share it. Any other value is stored as the mark, the letter 'v' and
 * the output of serialize(). A string that begins with the mark is stored as
 * the mark, the letter 's' and the string.
 */
#include "php_sfshm.h"

#include <ext/date/php_date.h>
#include <ext/standard/php_var.h>
#include <zend_exceptions.h>
#include <zend_interfaces.h>

#define MARK "\0PHP"
#define MARK_LEN 4
#define HEAD_LEN (MARK_LEN + 1)

static bool marked(const char *data, size_t len)
{
	return len >= MARK_LEN && !memcmp(data, MARK, MARK_LEN);
}

bool value_encode(struct bytes *bytes, zval *value)
{
	php_serialize_data_t data;

	memset(bytes, 0, sizeof(*bytes));
	ZVAL_DEREF(value);
	if (Z_TYPE_P(value) == IS_STRING &&
	    !marked(Z_STRVAL_P(value), Z_STRLEN_P(value))) {
		bytes->data = Z_STRVAL_P(value);
		bytes->len = Z_STRLEN_P(value);
		return true;
	}
	smart_str_appendl(&bytes->buffer, MARK, MARK_LEN);
	if (Z_TYPE_P(value) == IS_STRING) {
		smart_str_appendc(&bytes->buffer, 's');
		smart_str_append(&bytes->buffer, Z_STR_P(value));
	} else {
		smart_str_appendc(&bytes->buffer, 'v');
		PHP_VAR_SERIALIZE_INIT(data);
		php_var_serialize(&bytes->buffer, value, &data);
		PHP_VAR_SERIALIZE_DESTROY(data);
	}
	smart_str_0(&bytes->buffer);
	if (EG(exception)) {
		bytes_free(bytes);
		return false;
	}
	bytes->data = ZSTR_VAL(bytes->buffer.s);
	bytes->len = ZSTR_LEN(bytes->buffer.s);
	return true;
}

void bytes_free(struct bytes *bytes)
{
	smart_str_free(&bytes->buffer);
}

static bool unserialize(zval *value, const char *data, size_t len)
{
	const unsigned char *at = (const unsigned char *)data;
	php_unserialize_data_t state;
	bool done;

	PHP_VAR_UNSERIALIZE_INIT(state);
	done = php_var_unserialize(value, &at, at + len, &state);
	PHP_VAR_UNSERIALIZE_DESTROY(state);
	if (!done) {
		zval_ptr_dtor(value);
		ZVAL_NULL(value);
		if (!EG(exception))
			zend_throw_exception(exception_ce,
					     "the segment's bytes are no value",
					     EBADMSG);
	}
	return done && !EG(exception);
}

bool value_decode(zval *value, const char *data, size_t len)
{
	zend_string *copy;
	bool done;

	if (!marked(data, len) || len < HEAD_LEN) {
		ZVAL_STRINGL(value, len ? data : "", len);
		return true;
	}
	data += HEAD_LEN;
	len -= HEAD_LEN;
	if (data[-1] == 's') {
		ZVAL_STRINGL(value, data, len);
		return true;
	}
	ZVAL_UNDEF(value);
	if (len && strchr("ibdN", data[0]))
		return unserialize(value, data, len);
	/* Methods of the objects may run, and fetch values into the buffer. */
	copy = zend_string_init(data, len, 0);
	done = unserialize(value, ZSTR_VAL(copy), len);
	zend_string_release(copy);
	return done;
}

bool value_of_result(zval *value)
{
	const struct sfshm_buf *bytes = &SFSHM_G(result).value;

	return value_decode(value, bytes->data, bytes->len);
}

uint32_t seconds_ms(double seconds)
{
	double ms = seconds * 1000;

	if (!(ms > 0))
		return 0;
	if (ms >= SFSHM_FOREVER)
		return ms > 1e300 ? SFSHM_FOREVER : SFSHM_FOREVER - 1;
	return ms < 1 ? 1 : (uint32_t)ms;
}

/* The seconds from now to (new DateTimeImmutable)->add($interval). */
static bool interval_seconds(zval *interval, double *seconds)
{
	zval now, then, from, to;

	ZVAL_UNDEF(&then);
	ZVAL_LONG(&from, 0);
	ZVAL_LONG(&to, 0);
	zend_call_method_with_0_params(NULL, NULL, NULL,
				       "date_create_immutable", &now);
	if (Z_TYPE(now) == IS_OBJECT) {
		zend_call_method_with_1_params(Z_OBJ(now), Z_OBJCE(now), NULL,
					       "add", &then, interval);
		zend_call_method_with_0_params(Z_OBJ(now), Z_OBJCE(now), NULL,
					       "gettimestamp", &from);
	}
	if (Z_TYPE(then) == IS_OBJECT)
		zend_call_method_with_0_params(Z_OBJ(then), Z_OBJCE(then), NULL,
					       "gettimestamp", &to);
	*seconds = (double)Z_LVAL(to) - (double)Z_LVAL(from);
	zval_ptr_dtor(&then);
	zval_ptr_dtor(&now);
	return !EG(exception);
}

bool time_ms(zval *time, uint32_t *ms)
{
	double seconds;

	if (!time || Z_TYPE_P(time) == IS_NULL)
		return true;
	if (Z_TYPE_P(time) == IS_LONG) {
		seconds = (double)Z_LVAL_P(time);
	} else if (Z_TYPE_P(time) == IS_DOUBLE) {
		seconds = Z_DVAL_P(time);
	} else if (Z_TYPE_P(time) == IS_OBJECT &&
		   instanceof_function(Z_OBJCE_P(time),
				       php_date_get_interval_ce())) {
		if (!interval_seconds(time, &seconds))
			return false;
	} else {
		zend_type_error("a time is seconds, a DateInterval or null, "
				"%s given",
				zend_zval_type_name(time));
		return false;
	}
	*ms = seconds_ms(seconds);
	return true;
}
