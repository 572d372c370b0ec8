/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Paths as text: nothing here looks at a file system. */

#include <stdbool.h>

/* Lexically shortest equal path, as Go's filepath.Clean: no "//", ".", inner ".."; "" gives ".". Caller frees. */
char *path_clean(const char *path);
/* PATH itself if it is absolute, else FOLDER/PATH; cleaned. FOLDER "" stands for the root of a repository. */
char *path_join(const char *folder, const char *path);
/*
 * FOLDER/PATH as a path below the root that FOLDER counts from: "" for the root itself, never beginning with
 * '/'. NULL if it leads out (too many "..") or PATH is absolute. Caller frees.
 */
char *path_beneath(const char *folder, const char *path);
/* What stands before the last '/', "" if there is none. Caller frees. */
char *path_folder(const char *path);
/* What stands behind the last '/' (borrowed). */
const char *path_name(const char *path);
/* PATH is FOLDER or lies below it; every path lies below "". */
bool path_is_within(const char *path, const char *folder);

/*
 * Go's filepath.Match: '*' and '?' stop at '/', [a-z] and [^a-z], '\' takes the next byte as it is.
 * 1 it matches, 0 it does not, -1 the pattern is broken. Source: Go 1.15 path/filepath/match.go.
 */
int path_match(const char *pattern, const char *name);
/* The pattern has one of *?[ and so may name several files. */
bool path_is_pattern(const char *path);
