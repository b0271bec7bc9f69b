/* SPDX-License-Identifier: BSD-2-Clause */
/* GCC's own limits.h wants a C library's behind it; these are the limits libfdt uses. */
#pragma once
#define INT_MAX __INT_MAX__
#define INT_MIN (-INT_MAX - 1)
#define UINT_MAX (2U * INT_MAX + 1)
