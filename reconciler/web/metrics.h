/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* /metrics in Prometheus' text format, /healthz and /readyz. */

#include "reconciler/web/web.h"

void metrics_answer(void *web, struct request *request, struct response *response);
void metrics_health(void *web, struct request *request, struct response *response);
void metrics_ready(void *web, struct request *request, struct response *response);
