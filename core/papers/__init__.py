"""The papers that a location prints: data in, bytes out. No database, no clock, no network; the same data gives the same bytes.

`slips`, `bills` and `picks` make PDF; `merging` puts labels and slips together. The only files read are the typefaces beside this one.
"""
