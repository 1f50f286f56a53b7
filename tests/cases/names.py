"""Names of a column First_Name: near ones, and others that are none."""

from __future__ import annotations

NEAR = [
    "First_Name",
    "firstName",
    "first name",
    "FIRST-NAME",
    "firstname",
    "f_i_r_s_t n-a-m-e",
    " First_Name ",
    "_firstname_",
]

OTHER = ["Frist_Name", "First_Nam", "First_Names", "First.Name", "First/Name", "Vorname", "Fïrst_Name"]
