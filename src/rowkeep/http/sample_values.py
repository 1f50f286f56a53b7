"""Sample values: constants that the samples of several endpoints share."""

WHEN = "2020-03-28T07:02:09.652Z"
CLIENT_ID = "cs-3f8a1f0e-5b0c-4c39-9f0b-8d0f6f8f6f11"
WRITER = "st-98e05480-0257-5e35-b6d2-66a323834f9d"
USER = "us-5e7ef67172034b39ac000004"
ROW = "5e7ef67172034b39ac000001"
