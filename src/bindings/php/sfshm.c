/* SPDX-License-Identifier: MIT */
/* The module: settings, begin and end of requests, phpinfo(). */
#include "php_sfshm.h"

#include <ext/standard/info.h>

/* A result's buffer that is larger is freed at the end of the request. */
#define BUFFER_KEPT (64 * 1024)

ZEND_DECLARE_MODULE_GLOBALS(sfshm)

/* phpinfo() does not show a URL, which may have a password in it. */
static PHP_INI_DISP(show_secret)
{
	const zend_string *url = ini_entry->value;

	(void)type;
	php_printf("%s", url && ZSTR_LEN(url) ? "set, not shown" : "no value");
}

/* clang-format off */
PHP_INI_BEGIN()
STD_PHP_INI_ENTRY("sfshm.segment", "", PHP_INI_SYSTEM, OnUpdateString,
		  segment, zend_sfshm_globals, sfshm_globals)
STD_PHP_INI_ENTRY("sfshm.size", "16M", PHP_INI_SYSTEM, OnUpdateLongGEZero,
		  size, zend_sfshm_globals, sfshm_globals)
STD_PHP_INI_ENTRY("sfshm.slots", "16384", PHP_INI_SYSTEM, OnUpdateLongGEZero,
		  slots, zend_sfshm_globals, sfshm_globals)
STD_PHP_INI_ENTRY("sfshm.max_value", "1M", PHP_INI_SYSTEM, OnUpdateLongGEZero,
		  max_value, zend_sfshm_globals, sfshm_globals)
STD_PHP_INI_ENTRY("sfshm.participants", "1024", PHP_INI_SYSTEM,
		  OnUpdateLongGEZero, participants, zend_sfshm_globals,
		  sfshm_globals)
STD_PHP_INI_ENTRY("sfshm.mode", "0600", PHP_INI_SYSTEM, OnUpdateString,
		  mode, zend_sfshm_globals, sfshm_globals)
STD_PHP_INI_ENTRY_EX("sfshm.fleet", "", PHP_INI_SYSTEM, OnUpdateString,
		     fleet, zend_sfshm_globals, sfshm_globals, show_secret)
STD_PHP_INI_ENTRY("sfshm.timeout", "30", PHP_INI_ALL, OnUpdateReal,
		  timeout, zend_sfshm_globals, sfshm_globals)
PHP_INI_END()
/* clang-format on */

/*
 * Whether the library that the loader has found fits the headers of this build:
 * an older library may lack what they declare.
 */
static bool library_fits(void)
{
	char *end;
	unsigned long major = strtoul(sfshm_version(), &end, 10);
	unsigned long minor = *end ? strtoul(end + 1, NULL, 10) : 0;

	return major == SFSHM_VERSION_MAJOR && minor >= SFSHM_VERSION_MINOR;
}

PHP_MINIT_FUNCTION(sfshm)
{
	if (!library_fits()) {
		zend_error(E_CORE_WARNING,
			   "sfshm is built for libsfshm " SFSHM_VERSION
			   ", and the system has %s: install the former, or "
			   "build the extension anew",
			   sfshm_version());
		return FAILURE;
	}
	REGISTER_INI_ENTRIES();
	errors_register();
	item_register();
	held_register();
	cache_register();
	return SUCCESS;
}

PHP_MSHUTDOWN_FUNCTION(sfshm)
{
	UNREGISTER_INI_ENTRIES();
	return SUCCESS;
}

/* Returns a number that no other request in any thread of the process has. */
static uint64_t next_task(void)
{
	static uint64_t last;

	return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

PHP_RINIT_FUNCTION(sfshm)
{
#if defined(ZTS) && defined(COMPILE_DL_SFSHM)
	ZEND_TSRMLS_CACHE_UPDATE();
#endif
	SFSHM_G(task) = next_task();
	SFSHM_G(warned) = false;
	return SUCCESS;
}

PHP_RSHUTDOWN_FUNCTION(sfshm)
{
	leads_release();
	held_release();
	if (SFSHM_G(result).value.cap > BUFFER_KEPT)
		sfshm_result_clear(&SFSHM_G(result));
	return SUCCESS;
}

PHP_MINFO_FUNCTION(sfshm)
{
	const char *name = SFSHM_G(segment);
	char path[256] = "";

	if (sfshm_path(name && *name ? name : NULL, path, sizeof(path)))
		snprintf(path, sizeof(path), "the name cannot be used");
	php_info_print_table_start();
	php_info_print_table_row(2, "sfshm support", "enabled");
	php_info_print_table_row(2, "extension version", PHP_SFSHM_VERSION);
	php_info_print_table_row(2, "library version", sfshm_version());
	php_info_print_table_row(2, "segment", path);
	php_info_print_table_end();
	DISPLAY_INI_ENTRIES();
}

static PHP_GINIT_FUNCTION(sfshm)
{
#if defined(ZTS) && defined(COMPILE_DL_SFSHM)
	ZEND_TSRMLS_CACHE_UPDATE();
#endif
	memset(sfshm_globals, 0, sizeof(*sfshm_globals));
	sfshm_globals->result.size = sizeof(sfshm_globals->result);
}

static PHP_GSHUTDOWN_FUNCTION(sfshm)
{
	fleets_close(&sfshm_globals->fleets);
	sfshm_result_clear(&sfshm_globals->result);
	if (sfshm_globals->spare)
		pefree(sfshm_globals->spare, 1);
}

/* The modules that PHP must load before this one. */
/* clang-format off */
static const zend_module_dep deps[] = {
	ZEND_MOD_REQUIRED("date")
	ZEND_MOD_REQUIRED("spl")
	ZEND_MOD_REQUIRED("standard")
	ZEND_MOD_END
};

zend_module_entry sfshm_module_entry = {
	STANDARD_MODULE_HEADER_EX, NULL, deps,
	"sfshm",
	NULL,
	PHP_MINIT(sfshm),
	PHP_MSHUTDOWN(sfshm),
	PHP_RINIT(sfshm),
	PHP_RSHUTDOWN(sfshm),
	PHP_MINFO(sfshm),
	PHP_SFSHM_VERSION,
	PHP_MODULE_GLOBALS(sfshm),
	PHP_GINIT(sfshm),
	PHP_GSHUTDOWN(sfshm),
	NULL,
	STANDARD_MODULE_PROPERTIES_EX
};
/* clang-format on */

#ifdef COMPILE_DL_SFSHM
#ifdef ZTS
ZEND_TSRMLS_CACHE_DEFINE()
#endif
ZEND_GET_MODULE(sfshm)
#endif
