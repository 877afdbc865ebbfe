"""Inside the simulated Shopify admin: the first visit installs, tokens say who asks, and nothing else lets anybody in."""

from tests.web.inside import query


def test_the_first_visit_installs(admin):
    answer = admin.visit()

    assert answer.status_code == 200, answer.text
    assert admin.rows("select channel, account, state, live_at from connections") == [
        ("shopify", "crossdock-demo.myshopify.com", "active", None)
    ]
    assert admin.rows("select name, subject from users") == [("Ada Keller", "shopify/crossdock-demo.myshopify.com/801")]
    assert admin.rows("select role from members") == [("owner",)]
    assert "Set-Cookie" not in answer.headers
    assert "frame-ancestors https://crossdock-demo.myshopify.com http://sim.test;" in answer.headers["Content-Security-Policy"]


def test_a_page_without_a_token_is_sent_to_fetch_one(admin):
    answer = admin.open("/?status=open")

    assert answer.status_code == 302
    assert query(answer.headers["Location"])["shopify-reload"] == "/?status=open"
    page = admin.open(answer.headers["Location"])
    assert page.status_code == 200
    assert 'src="http://sim.test/shopify/app-bridge.js"' in page.text
