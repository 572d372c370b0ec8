/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ownership that the compiler keeps: a variable declared with one of these gives back what it holds when
 * its scope ends. Initialise it on the line that declares it; hand the value over with TAKE().
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* FUNCTION takes a pointer to the variable: CLEANUP(text_clear) struct text line = {0}; */
#define CLEANUP(function) __attribute__((cleanup(function)))

/* For `void NOUN_free(struct NOUN *)`: CLEANUP(NOUN_freep) struct NOUN *noun = NULL; */
#define DEFINE_FREEP(noun)                                     \
	static inline void noun##_freep(struct noun **pointer) \
	{                                                      \
		noun##_free(*pointer);                         \
	}

/* The value of a pointer variable, which is NULL afterwards. */
#define TAKE(variable)                                    \
	({                                                \
		__typeof__(variable) taken_ = (variable); \
		(variable) = NULL;                        \
		taken_;                                   \
	})
/* The same for a descriptor, which is -1 afterwards. */
#define TAKE_FD(variable)                \
	({                               \
		int taken_ = (variable); \
		(variable) = -1;         \
		taken_;                  \
	})

#define autofree CLEANUP(cleanup_free)
#define autoclose CLEANUP(cleanup_close)
#define autofclose CLEANUP(cleanup_fclose)

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;
		close(*fd);
		errno = saved;
		*fd = -1; /* closing it once more closes nobody else's */
	}
}

static inline void cleanup_fclose(FILE **stream)
{
	if (*stream)
		fclose(*stream);
}
