trigger OppsyncLine on OpportunityLineItem (after insert, after update, after delete) {
    Set<Id> deals = new Set<Id>();
    for (OpportunityLineItem line : Trigger.isDelete ? Trigger.old : Trigger.new) deals.add(line.OpportunityId);
    OppsyncNotifier.partsChanged(deals);
}
