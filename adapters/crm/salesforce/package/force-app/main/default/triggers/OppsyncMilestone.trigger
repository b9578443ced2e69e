trigger OppsyncMilestone on Billing_Milestone__c (after insert, after update, after delete) {
    Set<Id> deals = new Set<Id>();
    for (Billing_Milestone__c milestone : Trigger.isDelete ? Trigger.old : Trigger.new) deals.add(milestone.Opportunity__c);
    OppsyncNotifier.partsChanged(deals);
}
