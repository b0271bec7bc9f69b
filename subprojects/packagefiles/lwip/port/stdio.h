/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP includes it; what of it the kernel does not use is dropped at the link. */
#pragma once
#include <stddef.h>
