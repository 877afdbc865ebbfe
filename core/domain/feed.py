"""What programs are told of: our facts under names that stay, whatever we call them ourselves. Pure."""

from core.domain import events

# A name here is a promise to programs of others. One may be added, none may change.
TYPES: dict[type, str] = {
    events.OrderTaken: "order.taken",
    events.LineAdded: "order.line_added",
    events.LineChanged: "order.line_changed",
    events.LineGone: "order.line_gone",
    events.Refunded: "order.refunded",
    events.StatusChanged: "order.status_changed",
    events.TotalChanged: "order.total_changed",
    events.AddressChanged: "order.address_changed",
    events.AddressCorrected: "order.address_corrected",
    events.Reshipped: "order.reshipped",
    events.CopyFound: "order.copy_found",
    events.HasCopy: "order.has_copy",
    events.Merged: "order.merged",
    events.MappingNeeded: "order.mapping_needed",
    events.OrderHeld: "order.held",
    events.OrderReleased: "order.released",
    events.OrderCalledOff: "order.called_off",
    events.AppealAnswered: "order.appeal_answered",
    events.PaymentCaptured: "payment.captured",
    events.CaptureFailed: "payment.capture_failed",
    events.ShortDecided: "order.short_decided",
    events.NoteAdded: "order.note_added",
    events.TagAdded: "order.tag_added",
    events.TagRemoved: "order.tag_removed",
    events.BuyerForgotten: "order.buyer_forgotten",
    events.StockReserved: "stock.reserved",
    events.StockReleased: "stock.released",
    events.StockCarried: "stock.carried",
    events.StockShort: "stock.short",
    events.UnitsLeft: "stock.left",
    events.UnitsBack: "stock.back",
    events.StockAdjusted: "stock.adjusted",
    events.InboundSent: "inbound.sent",
    events.InboundReceived: "inbound.received",
    events.InboundClosed: "inbound.closed",
    events.InboundCancelled: "inbound.cancelled",
    events.ListingRenamed: "listing.renamed",
    events.ShipmentMade: "shipment.made",
    events.ShipmentCancelled: "shipment.cancelled",
    events.ShipmentSent: "shipment.sent",
    events.AssignmentMoved: "shipment.assigned",
    events.RequestMoved: "shipment.request",
    events.ReadyForPickup: "shipment.ready_for_pickup",
    events.LabelBought: "label.bought",
    events.LabelVoided: "label.voided",
    events.ParcelTold: "parcel.told",
    events.ParcelMoved: "parcel.moved",
}
TYPE_OF = {fact.__name__: name for fact, name in TYPES.items()}
KIND_OF = {name: kind for kind, name in TYPE_OF.items()}


def type_of(kind: str) -> str:
    """The public name of a kind of fact; a kind that an older version wrote and nobody knows any more is "other"."""
    return TYPE_OF.get(kind, "other")
