#!/usr/bin/env bash
# Insert, query, update and delete a row with the Data API, with curl and OpenSSL. It prints the responses.
# Other users of the machine can see the secret while OpenSSL runs: use this to try things.
set -euo pipefail

: "${ROWKEEP_URL:?}" "${CLIENT_ID:?}" "${CLIENT_SECRET:?}"

# One part of a token: base64url without padding.
part() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

# A JSON Web Token (HS256). The key is the secret exactly as Rowkeep printed it.
sign() {
  local payload signed
  payload="{\"sub\":\"people-example\",\"appId\":\"$CLIENT_ID\",\"exp\":$(($(date +%s) + 300))}"
  signed="$(printf '{"alg":"HS256","typ":"JWT"}' | part).$(printf '%s' "$payload" | part)"
  echo "$signed.$(printf '%s' "$signed" | openssl dgst -sha256 -hmac "$CLIENT_SECRET" -binary | part)"
}

# send METHOD PATH BODY: prints the response; an error ends the program.
send() {
  curl --silent --show-error --fail-with-body --request "$1" "$ROWKEEP_URL/api/public/tables/people$2" \
    --header "Authorization: Bearer $TOKEN" --header 'Content-Type: application/json' \
    --header 'Prefer: return=minimal' --data "$3" || { echo >&2; exit 1; }
  echo
}

TOKEN=$(sign)
JANE='{"expressions": [{"field": "First_Name", "operand": "=", "value": "Jane"},
                       {"field": "Last_Name", "operand": "=", "value": "Doe"}]}'

send POST '' '{"data": {"First_Name": "Jane", "Last_Name": "Doe", "Gender": "female", "Number": 263}}'
send POST '/query' "{\"query\": $JANE, \"fields\": [\"First_Name\", \"Number\"]}"
send PUT '' "{\"query\": $JANE, \"data\": {\"Number\": 264}}"
send POST '/delete' "{\"query\": $JANE}"
