/* SPDX-License-Identifier: MIT */
/* What sfshm.stub.php says, for PHP. */
/* clang-format off */

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Item_getKey, 0, 0, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Item_expiresAfter, 0, 1, IS_STATIC, 0)
	ZEND_ARG_OBJ_TYPE_MASK(0, time, DateInterval, MAY_BE_LONG|MAY_BE_DOUBLE|MAY_BE_NULL, NULL)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Item_expiresAt, 0, 1, IS_STATIC, 0)
	ZEND_ARG_OBJ_INFO(0, time, DateTimeInterface, 1)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Item_tag, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_MASK(0, tags, MAY_BE_STRING|MAY_BE_ARRAY, NULL)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Item_previous, 0, 0, IS_MIXED, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, default, IS_MIXED, 0, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Item_extend, 0, 1, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, seconds, IS_DOUBLE, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Lock_release, 0, 0, _IS_BOOL, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Lock_ownerDied, 0, 0, _IS_BOOL, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Lock_generation, 0, 0, IS_LONG, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Permit_release, 0, 0, _IS_BOOL, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Sfshm_Cache___construct, 0, 0, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, segment, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, options, IS_ARRAY, 0, "[]")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Cache_get, 0, 2, IS_MIXED, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, callback, IS_CALLABLE, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, beta, IS_DOUBLE, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(1, metadata, IS_MIXED, 0, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Cache_entry, 0, 2, IS_MIXED, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, generator, IS_CALLABLE, 0)
	ZEND_ARG_OBJ_TYPE_MASK(0, ttl, DateInterval, MAY_BE_LONG|MAY_BE_DOUBLE|MAY_BE_NULL, "0")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Cache_fetch, 0, 1, IS_MIXED, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, default, IS_MIXED, 0, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Cache_has, 0, 1, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Cache_set, 0, 2, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, value, IS_MIXED, 0)
	ZEND_ARG_OBJ_TYPE_MASK(0, ttl, DateInterval, MAY_BE_LONG|MAY_BE_DOUBLE|MAY_BE_NULL, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Cache_add, 0, 2, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, value, IS_MIXED, 0)
	ZEND_ARG_OBJ_TYPE_MASK(0, ttl, DateInterval, MAY_BE_LONG|MAY_BE_DOUBLE|MAY_BE_NULL, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Cache_update, 0, 2, IS_MIXED, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, change, IS_CALLABLE, 0)
	ZEND_ARG_OBJ_TYPE_MASK(0, ttl, DateInterval, MAY_BE_LONG|MAY_BE_DOUBLE|MAY_BE_NULL, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Cache_delete, 0, 1, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Cache_expire, 0, 1, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Cache_clear, 0, 0, _IS_BOOL, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Cache_invalidateTags, 0, 1, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, tags, IS_ARRAY, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Cache_getMultiple, 0, 1, IS_ARRAY, 0)
	ZEND_ARG_TYPE_INFO(0, keys, IS_ITERABLE, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, default, IS_MIXED, 0, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Cache_setMultiple, 0, 1, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, values, IS_ITERABLE, 0)
	ZEND_ARG_OBJ_TYPE_MASK(0, ttl, DateInterval, MAY_BE_LONG|MAY_BE_DOUBLE|MAY_BE_NULL, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Cache_deleteMultiple, 0, 1, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, keys, IS_ITERABLE, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Sfshm_Cache_lock, 0, 1, Sfshm\\Lock, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, timeout, IS_DOUBLE, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, shared, _IS_BOOL, 0, "false")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Sfshm_Cache_tryLock, 0, 1, Sfshm\\Lock, 1)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, shared, _IS_BOOL, 0, "false")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Sfshm_Cache_acquire, 0, 2, Sfshm\\Permit, 0)
	ZEND_ARG_TYPE_INFO(0, name, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, permits, IS_LONG, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, timeout, IS_DOUBLE, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Sfshm_Cache_tryAcquire, 0, 2, Sfshm\\Permit, 1)
	ZEND_ARG_TYPE_INFO(0, name, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, permits, IS_LONG, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Sfshm_Cache_counters, 0, 0, IS_ARRAY, 0)
ZEND_END_ARG_INFO()

ZEND_METHOD(Sfshm_Item, getKey);
ZEND_METHOD(Sfshm_Item, expiresAfter);
ZEND_METHOD(Sfshm_Item, expiresAt);
ZEND_METHOD(Sfshm_Item, tag);
ZEND_METHOD(Sfshm_Item, previous);
ZEND_METHOD(Sfshm_Item, extend);
ZEND_METHOD(Sfshm_Lock, release);
ZEND_METHOD(Sfshm_Lock, ownerDied);
ZEND_METHOD(Sfshm_Lock, generation);
ZEND_METHOD(Sfshm_Permit, release);
ZEND_METHOD(Sfshm_Cache, __construct);
ZEND_METHOD(Sfshm_Cache, get);
ZEND_METHOD(Sfshm_Cache, entry);
ZEND_METHOD(Sfshm_Cache, fetch);
ZEND_METHOD(Sfshm_Cache, has);
ZEND_METHOD(Sfshm_Cache, set);
ZEND_METHOD(Sfshm_Cache, add);
ZEND_METHOD(Sfshm_Cache, update);
ZEND_METHOD(Sfshm_Cache, delete);
ZEND_METHOD(Sfshm_Cache, expire);
ZEND_METHOD(Sfshm_Cache, clear);
ZEND_METHOD(Sfshm_Cache, invalidateTags);
ZEND_METHOD(Sfshm_Cache, getMultiple);
ZEND_METHOD(Sfshm_Cache, setMultiple);
ZEND_METHOD(Sfshm_Cache, deleteMultiple);
ZEND_METHOD(Sfshm_Cache, lock);
ZEND_METHOD(Sfshm_Cache, tryLock);
ZEND_METHOD(Sfshm_Cache, acquire);
ZEND_METHOD(Sfshm_Cache, tryAcquire);
ZEND_METHOD(Sfshm_Cache, counters);

static const zend_function_entry class_Sfshm_Item_methods[] = {
	ZEND_ME(Sfshm_Item, getKey, arginfo_class_Sfshm_Item_getKey, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Item, expiresAfter, arginfo_class_Sfshm_Item_expiresAfter, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Item, expiresAt, arginfo_class_Sfshm_Item_expiresAt, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Item, tag, arginfo_class_Sfshm_Item_tag, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Item, previous, arginfo_class_Sfshm_Item_previous, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Item, extend, arginfo_class_Sfshm_Item_extend, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};

static const zend_function_entry class_Sfshm_Lock_methods[] = {
	ZEND_ME(Sfshm_Lock, release, arginfo_class_Sfshm_Lock_release, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Lock, ownerDied, arginfo_class_Sfshm_Lock_ownerDied, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Lock, generation, arginfo_class_Sfshm_Lock_generation, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};

static const zend_function_entry class_Sfshm_Permit_methods[] = {
	ZEND_ME(Sfshm_Permit, release, arginfo_class_Sfshm_Permit_release, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};

static const zend_function_entry class_Sfshm_Cache_methods[] = {
	ZEND_ME(Sfshm_Cache, __construct, arginfo_class_Sfshm_Cache___construct, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, get, arginfo_class_Sfshm_Cache_get, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, entry, arginfo_class_Sfshm_Cache_entry, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, fetch, arginfo_class_Sfshm_Cache_fetch, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, has, arginfo_class_Sfshm_Cache_has, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, set, arginfo_class_Sfshm_Cache_set, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, add, arginfo_class_Sfshm_Cache_add, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, update, arginfo_class_Sfshm_Cache_update, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, delete, arginfo_class_Sfshm_Cache_delete, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, expire, arginfo_class_Sfshm_Cache_expire, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, clear, arginfo_class_Sfshm_Cache_clear, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, invalidateTags, arginfo_class_Sfshm_Cache_invalidateTags, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, getMultiple, arginfo_class_Sfshm_Cache_getMultiple, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, setMultiple, arginfo_class_Sfshm_Cache_setMultiple, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, deleteMultiple, arginfo_class_Sfshm_Cache_deleteMultiple, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, lock, arginfo_class_Sfshm_Cache_lock, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, tryLock, arginfo_class_Sfshm_Cache_tryLock, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, acquire, arginfo_class_Sfshm_Cache_acquire, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, tryAcquire, arginfo_class_Sfshm_Cache_tryAcquire, ZEND_ACC_PUBLIC)
	ZEND_ME(Sfshm_Cache, counters, arginfo_class_Sfshm_Cache_counters, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};

/* clang-format on */
