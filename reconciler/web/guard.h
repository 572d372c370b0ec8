/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who may: reading where only this machine asks, or with the token; changing only signed in and from our own forms. */

#include "reconciler/web/web.h"

/* Before every request: refuses what is not to be read. */
void guard_admit(void *web, struct request *request, struct response *response);
/* On every response: what browsers must not do with it. */
void guard_finish(void *web, const struct request *request, struct response *response);

/* The form in the body came from a page of ours, of whoever sent it; otherwise RESPONSE says why not. */
bool guard_form(const struct request *request, struct response *response);
/* And he is signed in, and the form is of his session. */
bool guard_order(const struct request *request, struct response *response);

void guard_login(void *web, struct request *request, struct response *response);
void guard_logout(void *web, struct request *request, struct response *response);
