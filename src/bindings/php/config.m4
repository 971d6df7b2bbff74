dnl SPDX-License-Identifier: MIT
dnl For phpize. pkg-config finds the installed library, unless SFSHM_CFLAGS and
dnl SFSHM_LIBS are set.
PHP_ARG_ENABLE([sfshm],
  [whether to enable sfshm],
  [AS_HELP_STRING([--enable-sfshm], [Enable single-flight over shared memory])],
  [yes])

if test "$PHP_SFSHM" != "no"; then
  PKG_CHECK_MODULES([SFSHM], [sfshm >= 0.1])
  PHP_EVAL_INCLINE([$SFSHM_CFLAGS])
  PHP_EVAL_LIBLINE([$SFSHM_LIBS], [SFSHM_SHARED_LIBADD])
  PHP_SUBST([SFSHM_SHARED_LIBADD])
  PHP_NEW_EXTENSION([sfshm],
    [sfshm.c cache.c store.c lead.c fleet.c held.c values.c errors.c],
    [$ext_shared],, [-DZEND_ENABLE_STATIC_TSRMLS_CACHE=1])
fi
