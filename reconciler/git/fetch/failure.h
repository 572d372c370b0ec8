/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What libgit2 says when it fails, as an error that names the reaction. */

#include "base/error.h"

/*
 * The error of libgit2's call that just failed in this thread, about SHOWN (a url or a path). The kind is that of the first
 * known piece of libgit2's text; what nobody knows is TRANSIENT: the network has more ways to fail than a table has rows.
 */
int fail_git(struct error *err, const char *shown);
/* The same where no network was asked: what is not known is BROKEN. */
int fail_git_local(struct error *err, const char *shown);
